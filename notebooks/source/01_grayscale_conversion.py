# %% [markdown]
# # 01 · Grayscale conversion
#
# **About 80 minutes, half of them for the exercises.** No network is trained here.
#
# At the end of this lesson you will be able to
#
# - say what a gray value is, and compute it for a whole batch of images;
# - explain why two libraries give different gray for the same picture;
# - show that many colours share one gray, and say what the mean squared error does about it;
# - compute the two baselines that every model of this course has to beat;
# - split an error into a luma part and a chroma part, and interpret each part.
#
# You need NumPy arrays and a little probability. Lesson 00 explains how lessons, profiles and
# checks work.

# %% tags=["parameters"]
profile = "quick"
seed = 0
device = "cpu"

# %% [markdown]
# The cell above holds the parameters of the run. `quick` means the small sample of CIFAR-10 that
# ships with the course. `seed` chooses which pixels step 3 shows, and which images the bootstrap at
# the end draws. This lesson trains nothing, so `device` has no effect.

# %% tags=["needed"]
import numpy as np
from scipy.ndimage import gaussian_filter

from course_lib import baselines, checks, data, grayscale, metrics, plots, profiles, statistics

# %% [markdown]
# These names are used in the whole lesson. Now the data. CIFAR-10 contains colour photographs of 32
# by 32 pixels (Krizhevsky, 2009).

# %% tags=["nbval-check-output"]
cifar = data.load_cifar10(profiles.get(profile).data)
split = data.split(cifar)
train = data.as_float(split.x_train)  # (N, 32, 32, 3), float32 in [0, 1]
validation = data.as_float(split.x_validation)
print("train     ", train.shape, train.dtype, "from", train.min(), "to", train.max())
print("validation", validation.shape, validation.dtype)

# %% [markdown]
# ## The question
#
# The arrays have the axes image, row, column, channel. The files contain bytes from 0 to 255;
# `as_float` divides by 255, so here every value lies between 0 and 1. We learn from training images
# and judge by validation images, which are kept apart from them. The test images are kept for the
# end, except for six that we look at.
#
# A colour pixel is three numbers, a gray pixel is one. Later lessons train networks to recover the
# colour from the gray. This lesson asks two things first:
#
# **What exactly is lost, and how well does somebody score who does not try to recover it?**
#
# The score is the mean squared error (MSE) over all pixels and all three channels. Here are two
# ways to colour a picture without learning to see:
#
# - **gray copy**: write the gray value into all three channels, and leave the picture gray;
# - **gray-level table**: give each gray level the mean colour that pixels of this level have in
#   the training images.
#
# *Before you run the cell, guess:* the largest possible MSE is 1. How large is it for a picture
# left gray?

# %% tags=["nbval-check-output"]
gray = grayscale.to_gray(validation)  # (N, 32, 32, 3) -> (N, 32, 32)
copy = baselines.gray_copy(gray)  # (N, 32, 32) -> (N, 32, 32, 3)
table = baselines.fit_gray_level_table(grayscale.to_gray(train), train)  # (256, 3)
looked_up = baselines.gray_level_table(gray, table)  # (N, 32, 32, 3)
for name, picture in {"gray copy": copy, "gray-level table": looked_up}.items():
    mse = np.mean((picture - validation) ** 2)
    print(f"{name:17} MSE on {len(gray)} validation images: {mse:.5f}")

# %% [markdown]
# **What to see.** Both numbers are far below 1. A picture left gray has most of its numbers nearly
# right, because most colours in photographs are close to gray. The table does a little better,
# although it sees one pixel at a time.
#
# These are the baselines. A network that scores worse than the gray copy is worse than doing
# nothing, however small its MSE looks on its own. The rest of the lesson explains where the two
# numbers come from.

# %% [markdown]
# ## Step 1 · A colour picture is three gray ones
#
# Each channel of a colour picture can be looked at as a gray picture of its own: bright where there
# is much of that primary colour, red, green or blue. Here are six pictures from the test set, only
# to look at.
#
# *Expect:* something red is bright in the red channel and dark in the other two.

# %%
photos = data.as_float(cifar.x_test[[4, 5, 6, 7, 14, 23]])  # (6, 32, 32, 3)
rows = {"photograph": photos}
for channel, name in enumerate(("red", "green", "blue")):
    rows[name + " channel"] = photos[..., channel]  # (6, 32, 32)
plots.show(
    plots.side_by_side(rows, titles=["frog", "frog", "car", "frog", "truck", "fire engine"]),
    alt="Six photographs and under each its red, green and blue channel as gray pictures. "
    "The red fire engine is bright in the red channel and nearly black in the blue one.",
)

# %% [markdown]
# **What to see.** The fire engine on the right is bright in its red channel and nearly black in
# its blue one. The blue truck beside it is brightest in its blue channel. All three channels show
# the same shapes: they are far from independent, which is why colours can be guessed at all. And
# none of the three alone would do as "the" gray picture.
#
# So we mix the three: gray = *a* R + *b* G + *c* B. If the weights add up to 1, then white stays
# 1, black stays 0, and a gray pixel keeps its level.
#
# Why not weigh all three alike? Because the eye does not. It has most of its sensitivity in the
# middle of the spectrum: of three lamps of equal power, the green one looks brightest and the blue
# one darkest. Television engineers computed weights from measurements of the eye, for the three
# colours of their screens, and wrote them into a standard. Recommendation **BT.601** of the ITU
# says
#
# $$ \text{gray} = 0.299\,R + 0.587\,G + 0.114\,B, $$
#
# and this, computed in floating point and never rounded, is **the course's definition of gray**.
#
# *Expect:* under equal weights, pure red, green and blue get the same gray. Under BT.601 they do
# not.

# %%
names = ["red", "green", "blue", "yellow", "cyan", "magenta"]
colours = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1)]
patches = np.tile(np.float32(colours)[:, None, None], (1, 24, 32, 1))  # (6, 24, 32, 3)
rows = {
    "colour": patches,
    "equal\nweights": grayscale.to_gray(patches, grayscale.CHANNEL_MEAN),  # (6, 24, 32)
    "BT.601": grayscale.to_gray(patches, grayscale.BT601),
}
numbers = {name: rows[name][:, 0, 0] for name in ("equal\nweights", "BT.601")}
figure = plots.side_by_side(rows, numbers, names)
plots.show(figure, alt="Six pure colours and the gray of each under equal weights and BT.601.")

# %% [markdown]
# **What to see.** The number under each patch is its gray value. With equal weights red, green and
# blue cannot be told apart, although nobody would call pure blue as bright as pure green. With
# BT.601 all six differ, in an order the eye agrees with: blue, red, magenta, green, cyan, yellow.
#
# Now mix your own. There is a slider for each weight; what you set is divided by the sum of the
# three, so that they add up to 1. The buttons set weights that have a name. Below your gray is that
# of a library, chosen from a list, with its distance from yours. At the end are pairs of colours,
# with the gray that both become between them.
#
# *Expect:* the photographs stay the same. How much can three numbers change their gray?
#
# *Try:* which weights make the fire engine black? Which make the blue truck bright? Then go back to
# BT.601 and find a library that differs from it by more than one level. (The first time, a library
# may take some seconds to load.)

# %% tags=["widget"]
from course_lib import widgets

widgets.mix_gray(photos)

# %% [markdown]
# **What to see.** The same six photographs, and the gray that your weights make of them. With no
# weight on red, the fire engine turns nearly black, whether green or blue gets it; all weight on
# blue also makes the truck bright. Photographers got the same effect with a blue filter in front of
# black-and-white film. Each choice throws away a different part of the colour.
#
# Which part? Look at the pairs while you move a slider. The colours change, for your weights decide
# which ones look alike, but whatever you choose, there are such pairs. Step 3 comes back to them,
# and step 2 to the libraries. (On a page that cannot run code you see one still picture: the gray
# of BT.601, then of red, of green and of blue alone.)

# %% [markdown]
# ## Step 2 · One name, many grays
#
# Every image library has a function that makes gray. Do they agree? We ask each for the gray of a
# pure red, a pure green and a pure blue pixel. For a weighted sum these three answers are the
# weights, as exactly as the library can express them: one that returns bytes can only give a whole
# number of 255ths. Then we let each convert the validation images, and look for the pixel that
# differs most from the course's definition. A *level* is one step of the scale from 0 to 255.
#
# *Expect:* the same weights everywhere, and differences of half a level where a library rounds.
# (Loading two frameworks takes some seconds.)

# %% tags=["nbval-check-output"]
pure = 255 * np.eye(3, dtype=np.uint8).reshape(3, 1, 1, 3)  # three images of one pixel each
print(f"{'':26}  red     green   blue    type     largest difference")
for name, convert in grayscale.library_conversions().items():
    answers = convert(pure).ravel() / 255  # (3,)
    converted = convert(split.x_validation)  # (N, 32, 32, 3) -> (N, 32, 32), in levels
    difference = np.abs(converted - 255 * gray).max()
    words = "{:6.4f}  {:6.4f}  {:6.4f}".format(*answers)
    print(f"{name:26}  {words}  {converted.dtype!s:7}  {difference:5.2f} levels")

# %% [markdown]
# **What to see.** Read the weights in the rows of type `float32`. The rows of type `uint8` can only
# give 76, 150 or 149, and 29 of 255, which is why they all begin with 0.2980. There are three
# families.
#
# 1. *Pillow, torchvision, TensorFlow* have the weights of BT.601, the first of them sometimes
#    written as 0.2989. They differ in the last digit: answers in `float32` are within a few
#    hundredths of a level; answers in `uint8` had to become whole numbers. If a library rounds,
#    that costs at most half a level. Two of them lose more than half a level. Keep that in mind.
# 2. *scikit-image* has other weights: 0.2125, 0.7154, 0.0721. In the first three digits they are
#    those of **BT.709**: 0.2126, 0.7152, 0.0722. They belong to the red, green and blue lights of
#    HDTV and of computer screens, where BT.601 belongs to older television. The difference is many
#    levels.
# 3. *Linear light* has three numbers that do not even add up to 1, because it is not a weighted sum
#    of the stored values. A stored value is not an amount of light: files keep values on a curve
#    (sRGB, IEC 61966-2-1) that gives dark shades more levels, because the eye tells them apart
#    better. A weighted sum of *stored* values is called **luma**. The physical quantity is
#    **luminance**: undo the curve, and apply the weights of BT.709. To store it as a gray, apply
#    the curve again. Vivid colours come out brighter that way.
#
# None of these is a mistake. But a network trained with one gray and tested with another sees
# pictures that are systematically off, and two papers that used different grays have not solved
# the same task.
#
# The simplest test of all: give each library pixels that are gray already, with R = G = B, one for
# every level from 0 to 255.
#
# *Expect:* the weights add up to 1, so nothing changes. Write down now which libraries might fail
# this test.

# %% tags=["nbval-check-output"]
ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)  # (1, 16, 16, 3)
for name, convert in grayscale.library_conversions().items():
    change = convert(ramp) - np.float32(ramp[..., 0])  # in levels
    count = np.sum(np.abs(change) > 0.1)
    largest = np.abs(change).max()
    print(f"{name:26} changes {count:3} levels of 256, by {largest:.2f} at most")

# %% [markdown]
# **What to see.** Linear light passes: where R = G = B, undoing the curve and applying it again
# cancel out. One line stands out. torchvision, given a tensor of bytes, makes *every level but
# black one level darker*. Given floats, or a PIL image, the same function does not. Why? Look at
# its weights: they are written with four digits, 0.2989, 0.587 and 0.114. What do they add up to?

# %% tags=["nbval-check-output"]
total = sum(grayscale.TORCHVISION)
print(f"the weights add up to {total:.4f}")
print("level    becomes  cut off  rounded  x 255.5 / 255  cut off")
for level in (1, 100, 255):
    exact = level * total
    lifted = exact * 255.5 / 255
    numbers = (level, exact, int(exact), round(exact), lifted, int(lifted))
    print("{:5}  {:9.4f}  {:7}  {:7}  {:13.4f}  {:7}".format(*numbers))
print(f"one level of error in every value is an MSE of {(1 / 255) ** 2:.6f}")

# %% [markdown]
# **What to see.** The sum is a hair below 1, so every level lands a hair below itself. Rounding
# would bring it back. But converting a float to a byte *cuts off* (truncates) the digits after the
# point, and a hair becomes a whole level. Two small decisions, each harmless alone, meet and darken
# every picture.
#
# TensorFlow has the very same weights and passes the test. It works with floats in [0, 1] and,
# before it cuts off, multiplies them by 255.5 and not by 255. The last column shows what this does:
# each level of the ramp is lifted over the edge. It is not rounding either: a dark value just below
# the next level still loses nearly all of it. So TensorFlow is the other library that lost more
# than half a level in the table of this step.
#
# Is it important? The last line is small compared with the baselines of this lesson. But it is the
# same error in every pixel, nothing warns about it, and a test on a single ramp finds it. Exercise
# 3 puts it right.

# %% [markdown]
# ## Step 3 · Many colours, one gray
#
# Now the other direction. You see a pixel of gray level 128. Which colour was it?
#
# *Expect:* there are over sixteen million colours and 256 gray levels, so a level has to stand for
# tens of thousands of colours. How many of them occur in real photographs, and how different are
# they?

# %%
levels = np.rint(255 * grayscale.to_gray(train))  # (N, 32, 32)
random = np.random.default_rng(seed)
squares = []
for level in (64, 128, 192):
    pixels = train[levels == level]  # (P, 3)
    different = len(np.unique(pixels, axis=0))
    print(f"gray level {level:3}: {len(pixels)} pixels, {different} different colours")
    some = random.choice(pixels, 256, replace=False)  # (256, 3)
    some = some[np.argsort(some[:, 0] - some[:, 2])]  # from most blue to most red
    squares.append(some.reshape(16, 16, 3))
figure = plots.image_grid(np.stack(squares), ["level 64", "level 128", "level 192"], 3, zoom=14)
plots.show(figure, alt="Three squares of 256 patches each, from bluish to reddish, one gray each.")

# %% [markdown]
# **What to see.** Each square holds 256 real pixels that *all have the same gray level*, sorted
# from those with most blue (top) to those with most red (bottom). To a black-and-white camera each
# square is one flat patch. The counts above say the same in numbers: about every second pixel has a
# new colour. Colours that a device cannot tell apart are called **metamers**.
#
# Look also at the middle: it is mostly nearly gray. Among the grays are scattered patches of green
# and magenta, which stick out because the order depends on red minus blue only: a green with as
# much red as blue comes among the grays, and in the brightest square yellow, which has much red and
# no blue, comes last. Vivid colours are possible at every level, but they are rare.
#
# It is not only single pixels. For any picture we can build a twin: go from the gray to the colour,
# and then the same distance in the *opposite* direction. If *x* is the colour and *g* its gray, the
# twin is 2*g* − *x*. Its gray is 2*g* − *g* = *g* again.
#
# We look for training images whose twin has no value below 0 or above 1, and show the six most
# colourful.
#
# *Expect:* two rows of colour that differ, two rows of gray that do not. What will the mean of
# both look like?

# %%
gray_train = grayscale.to_gray(train, keepdims=True)  # (N, 32, 32, 1)
twin = 2 * gray_train - train  # (N, 32, 32, 3)
exists = ((twin >= 0) & (twin <= 1)).all(axis=(1, 2, 3))  # (N,)
vivid = np.square(train - gray_train).mean(axis=(1, 2, 3))  # (N,)
best = np.argsort(np.where(exists, vivid, 0))[-6:]  # (6,)
rows = {"photograph": train[best], "its twin": twin[best]}
for name in list(rows):
    rows[f"gray of\n{name}"] = grayscale.to_gray(rows[name])
rows["mean of\nboth"] = (train[best] + twin[best]) / 2
alt = "Six photographs and their twins in opposite colours; the gray of both is the same."
plots.show(plots.side_by_side(rows), alt=alt)

# %% [markdown]
# **What to see.** Photograph and twin have opposite colours: where one is blue, the other is
# orange. Rows three and four are equal: *from the gray alone, nobody can say which of the two was
# photographed.* This is what "ill-posed" means. There is no formula that inverts a grayscale
# conversion.
#
# You still know which one was photographed, because you have seen the sky before. That is all a
# network can learn too: not what the colour *was*, but which colours are *likely*. And the last row
# is a warning. The mean of the two is no colour at all.

# %% [markdown]
# ## Step 4 · What the mean squared error does about it
#
# Say a gray sky is blue with probability 3/4 and its orange twin with probability 1/4. You have to
# choose one colour, and you pay the squared error. Which one do you choose?
#
# The cell tries guesses on the line from orange to blue.
#
# *Expect:* blue is the likeliest, so blue should win. Or should it?

# %% tags=["nbval-check-output"]
blue = np.array([0.3, 0.5, 0.8])
orange = 2 * (blue @ grayscale.BT601) - blue  # the twin of blue
for share in np.linspace(0, 1, 9):
    guess = share * blue + (1 - share) * orange
    error = 3 / 4 * np.mean((guess - blue) ** 2) + 1 / 4 * np.mean((guess - orange) ** 2)
    vividness = guess.max() - guess.min()  # largest channel minus smallest
    print(f"{share:6.1%} blue: expected MSE {error:.4f}, vividness {vividness:.2f}")

# %% [markdown]
# **What to see.** The winner is not blue but the mixture with three quarters of blue: the *mean* of
# the likely colours, weighted by their probability. Look at the last number: this mixture is about
# half as vivid as either true colour. It is a colour that is never right.
#
# This holds in general. A network trained on the MSE learns the mean of all colours that fit what
# it sees. Where it is unsure, the mean is pale. **Pale pictures are not a bug of a network:
# they are what the MSE asks for.** Zhang, Isola and Efros (2016) predict a distribution
# over colours instead for this very reason.
#
# The gray-level table from the beginning is this idea in its simplest form: the mean colour, given
# one gray level and nothing else. With the `levels` of step 3 its entry for level 128 is
# `train[levels == 128].mean(axis=0)`. Here are both baselines on photographs. The number under each
# picture is its own MSE.
#
# *Expect:* step 3 showed mostly dull colours in every square, so the means in the table will be
# close to gray.

# %%
gray_photos = grayscale.to_gray(photos)  # (6, 32, 32)
rows = {
    "gray copy": baselines.gray_copy(gray_photos),
    "gray-level\ntable": baselines.gray_level_table(gray_photos, table),
    "truth": photos,
}
numbers = {name: np.mean((rows[name] - photos) ** 2, axis=(1, 2, 3)) for name in list(rows)[:2]}
plots.show(
    plots.side_by_side(rows, numbers),
    alt="Six photographs as gray copy, as coloured by the gray-level table, and as they are. "
    "The table's pictures are sepia; the error is largest for the most colourful photographs.",
)

# %% [markdown]
# **What to see.** The table makes old sepia prints. On red, brown and green it is better than the
# gray copy. On the blue truck it is worse, because brown is worse than gray there. Compare the
# numbers along a row: they measure how colourful the *photograph* was, far more than how good the
# method is. So compare methods on the same pictures only, picture by picture.

# %% [markdown]
# ## Step 5 · Luma and chroma
#
# One number hides what went wrong. Split each pixel's error *e* (three numbers) into two parts at
# right angles:
#
# - the **luma part** points along the weights of BT.601. It is zero exactly when the prediction
#   has the right gray;
# - the **chroma part** is the rest: colour that is wrong although the gray may be right. (A pixel
#   that is only too bright has some of it, too; lesson 03 comes back to that.)
#
# With *w* for the weights, the part of *e* along *w* is (*e* · *w*) / (*w* · *w*) times *w*. Here
# *e* · *w* is the gray of the prediction minus the gray of the truth, so this part is zero where
# the gray is right. A squared error is a squared length, and by Pythagoras the squares of two parts
# at right angles add up to the square of the whole: the two parts add up to the MSE.
#
# For comparison we take a third "method" that cheats: it knows the true colours, but blurs the
# picture, as a network does when it has to describe it in too few numbers. The cell splits the
# error at one pixel by hand, and then whole pictures.
#
# *Expect:* the gray copy has the right gray by construction. So its luma part is ...

# %% tags=["nbval-check-output"]
blurred = gaussian_filter(validation, sigma=(0, 1, 1, 0))  # rows and columns only
error, w = (blurred - validation)[2, 16, 19], np.array(grayscale.BT601)  # (3,) and (3,)
along = (error @ w) / (w @ w) * w  # (3,), as long as the wrong gray makes it
luma, chroma = np.mean(along**2), np.mean((error - along) ** 2)
print(f"one pixel: {np.mean(error**2):.6f} = luma {luma:.6f} + chroma {chroma:.6f}")
pictures = {"gray copy": copy, "gray-level table": looked_up, "blurred truth": blurred}
for name, picture in pictures.items():
    score = metrics.evaluate(picture, validation)
    parts = "luma {mse_luma:.5f} + chroma {mse_chroma:.5f}".format(**score)
    print(f"{name:17} MSE {score['mse']:.5f} = {parts}")

# %% [markdown]
# **What to see.** The gray copy's error is all chroma, and the table's very nearly so. The blurred
# truth is the opposite: most of its error is luma. The gray was *given*, so a model with a large
# luma part has lost something that it was given. That is a flaw of the model. A chroma part remains
# for every model, because the colour cannot be known.
#
# Remember this when a later lesson's network is worse than the gray copy. Compare each part with
# that of the gray copy: which of them made it worse?

# %% [markdown]
# ## Exercises
#
# Each exercise is one function. Write its body, run the cell, then run the check below it. A check
# that fails usually says which idea is wrong. Nothing later depends on your answers. "Run All"
# skips an exercise without an answer: its check says so in one line. A wrong answer stops the run,
# in the check; fix it, or continue below by running the cells one by one.
#
# ### Exercise 1 · One pixel (one line)
#
# Return the BT.601 gray of a pixel from its red, green and blue, all in [0, 1].


# %% tags=["exercise"]
def gray_pixel(red, green, blue):
    """BT.601 gray of one pixel, in [0, 1]."""
    ### BEGIN SOLUTION
    return 0.299 * red + 0.587 * green + 0.114 * blue
    ### END SOLUTION


# %% tags=["check"]
checks.check("01.gray_pixel", gray_pixel)

# %% [markdown]
# ### Exercise 2 · A batch of bytes (two lines)
#
# The networks of the next lesson want a batch of shape (N, H, W, 1) with floats in [0, 1]. Files
# hold bytes of shape (N, H, W, 3). Go from one to the other, with the weights of BT.601: write them
# into your function, or use `grayscale.BT601`. Try it with NumPy alone and without a loop. Mind
# the type: in bytes, 200 + 100 is 44.


# %% tags=["exercise"]
def gray_batch(rgb):
    """Bytes (N, H, W, 3), 0 to 255 -> float gray (N, H, W, 1) in [0, 1]."""
    ### BEGIN SOLUTION
    gray = rgb / 255 @ np.array([0.299, 0.587, 0.114])  # (N, H, W)
    return gray[..., np.newaxis]
    ### END SOLUTION


# %% tags=["check"]
checks.check("01.gray_batch", gray_batch)

# %% [markdown]
# ### Exercise 3 · Back to bytes (one line, and a trap)
#
# To save a gray picture you need bytes again. Turn floats in [0, 1] into `uint8` from 0 to 255,
# each to the *nearest* level, also where the float lies between two levels. Step 2 shows what
# happens otherwise.


# %% tags=["exercise"]
def to_bytes(gray):
    """Float gray of any shape in [0, 1] -> uint8 of that shape, 0 to 255, to the nearest."""
    ### BEGIN SOLUTION
    return np.rint(255 * gray).astype(np.uint8)
    ### END SOLUTION


# %% tags=["check"]
checks.check("01.to_bytes", to_bytes)

# %% [markdown]
# ### Exercise 4 · A metamer of your own (a short derivation)
#
# Take a colour and add `red_change` to its red. By how much must green change so that the gray
# stays the same? Leave blue as it is. Return the new colour. If it leaves [0, 1], let it: do not
# clip. Start with pen and paper: write down the gray before and after, and set them equal.


# %% tags=["exercise"]
def same_gray(colour, red_change):
    """Colour (3,) -> colour (3,): red changed, blue kept, green such that gray stays."""
    ### BEGIN SOLUTION
    green_change = -0.299 / 0.587 * red_change
    return colour + np.array([red_change, green_change, 0])
    ### END SOLUTION


# %% tags=["check"]
checks.check("01.same_gray", same_gray)

# %% [markdown]
# ### Exercise 5 · The guess that costs least (one line, after some thought)
#
# A gray pixel may have been any of K colours, with known probabilities. Return the colour whose
# expected squared error is smallest: any colour, not only one of the K. Step 4 has the answer for
# two colours; here are K. If you want to prove it, set the derivative of the expected error to
# zero.


# %% tags=["exercise"]
def best_guess(colours, probabilities):
    """Colours (K, 3) and their probabilities (K,), which add up to 1 -> the best colour (3,)."""
    ### BEGIN SOLUTION
    return probabilities @ colours  # (K,) @ (K, 3) -> (3,)
    ### END SOLUTION


# %% tags=["check"]
checks.check("01.best_guess", best_guess)

# %% [markdown]
# ### Exercise 6 · Design a gray (open)
#
# You are free to define gray yourself. Which weights give the **gray copy the smallest MSE**? Write
# a function that finds them from training images. The check compares the MSE that your weights
# reach with the smallest one, to 0.00002, so any method that is fine enough will do: a search over
# a grid (steps of 0.1 are too coarse), gradient descent, least squares, or a proof and one line.
#
# Then answer in three sentences, for yourself or for your group: would you print a newspaper with
# these weights? And is a model better if it scores well against a gray chosen this way?


# %% tags=["exercise"]
def best_weights(rgb):
    """Images (N, H, W, 3) in [0, 1] -> the weights (3,) whose gray copy has the smallest MSE."""
    ### BEGIN SOLUTION
    pixels = rgb.reshape(-1, 3)  # (P, 3)
    # Three equations for each pixel: its gray should be its red, its green and its blue.
    equations = np.tile(pixels, (3, 1))  # (3P, 3)
    wanted = pixels.T.ravel()  # (3P,): all reds, then all greens, then all blues
    return np.linalg.lstsq(equations, wanted, rcond=None)[0]
    ### END SOLUTION


# %% tags=["check"]
checks.check("01.best_weights", best_weights)

# %% [markdown] tags=["lesson-only"]
# <details><summary>One answer to the written question (open it when you have yours)</summary>
#
# The number closest to three others, in squares, is their mean; this holds for every pixel,
# whatever the images. So the best weights are one third each, and no data is needed. It is not what
# a newspaper wants: its readers see green as brighter than blue, and equal weights print both
# alike, so that a green logo on blue ground can vanish. The MSE counts three channels alike and has
# no eyes. And a gray chosen this way changes the baseline and the task together: it makes the gray
# copy score better without any method being better. Scores are comparable only under the same
# definition of gray.
#
# </details>

# %% [markdown]
# ## Results
#
# Now the test images. You have looked at six of them; nothing in this lesson was chosen with them.
# First the gray copy under four definitions of gray, the lowest MSE first; "channel mean" is the
# answer to exercise 6.

# %% tags=["nbval-check-output", "key-number"]
test = data.as_float(cifar.x_test)  # (N, 32, 32, 3)
gray_test = grayscale.to_gray(test)
definitions = {
    "linear light": grayscale.linear_light_gray(test),
    "BT.709": grayscale.to_gray(test, grayscale.BT709),
    "channel mean": grayscale.to_gray(test, grayscale.CHANNEL_MEAN),
    "BT.601": gray_test,
}
mse = {name: np.mean((baselines.gray_copy(g) - test) ** 2) for name, g in definitions.items()}
for name in sorted(mse, key=mse.get):
    print(f"{name:12}  {mse[name]:.5f}")
print(f"MSE of the gray copy, BT.601, {len(test)} test images: {mse['BT.601']:.5f}")

# %% [markdown]
# **What to see.** The same pictures, the same method, and four different scores (the last line
# repeats the course's own). The baseline depends on the definition of gray, so a score means
# nothing without it. Your gray of exercise 6 has the lowest one. The course stays with BT.601,
# because the paper did.
#
# Last, the two baselines image by image, with the bands that this course expects in either profile.
# The gain of the table over the copy comes with a 95 % interval by a *bootstrap* over the test
# images: draw as many images as there are, with repetition, take their mean gain, do it a few
# thousand times, and keep the middle 95 % of the means.

# %% tags=["nbval-check-output"]
copy_scores = metrics.per_image(baselines.gray_copy(gray_test), test)  # each entry (N,)
table_scores = metrics.per_image(baselines.gray_level_table(gray_test, table), test)
results = {
    "MSE of the gray copy": (copy_scores["mse"].mean(), 0.0060, 0.0072),
    "MSE of the gray-level table": (table_scores["mse"].mean(), 0.0055, 0.0066),
    "luma part of the gray copy": (copy_scores["mse_luma"].mean(), 0, 1e-9),
}
for name, (value, low, high) in results.items():
    print(f"{name:27} {value:.5f}, band {low} to {high}: {low <= value <= high}")
gain = statistics.paired_difference(copy_scores["mse"], table_scores["mse"], seed=seed)
better = f"{np.mean(table_scores['mse'] < copy_scores['mse']):.0%}"
print("the table gains {:.5f} ({:.5f} to {:.5f})".format(*gain), f"and wins on {better} of images")

# %% [markdown]
# **What to see.** Three times `True`: if a line says `False` for you, something in the data, the
# gray or the metric is not what it should be. The table's gain is small and its interval does not
# reach zero, so on average it is better than the copy. Yet on many images it is the worse of the
# two: before you trust a mean, ask how many images it speaks for.
#
# The first line is the baseline of this course, and each later lesson prints it beside its own
# score. In the quick profile it was measured on the sample's test images. With the profile `full`
# the same cell measures it on all 10,000.

# %% [markdown]
# ## What we have seen
#
# - Gray is a weighted sum. The course uses BT.601 in floating point, unrounded, on stored values.
# - Libraries differ in weights, in rounding and in the space they compute in. A gray ramp finds
#   rounding errors, vivid colours find wrong weights.
# - Cutting off (truncating) is not rounding: with weights that add up to a little less than 1, it
#   darkens every level.
# - Many colours share one gray, so the task has no single answer. The best a model can learn are
#   likely colours.
# - The MSE rewards the mean of the likely colours. Where a model is unsure, its colours turn pale.
# - Two baselines need no network: gray copy and gray-level table. Their scores depend on the
#   definition of gray.
# - Luma and chroma parts add up to the MSE. Gray was given, so a luma error is the model's own
#   fault; some chroma error is nobody's.
#
# **Next:** lesson 02 builds the first autoencoder, in Keras, and compares it with these baselines.

# %% [markdown]
# ## Further reading
#
# - ITU-R (2011). *Recommendation BT.601-7: Studio encoding parameters of digital television for
#   standard 4:3 and wide-screen 16:9 aspect ratios.* International Telecommunication Union,
#   Geneva. The weights 0.299, 0.587, 0.114.
# - ITU-R (2015). *Recommendation BT.709-6: Parameter values for the HDTV standards for production
#   and international programme exchange.* International Telecommunication Union, Geneva. The
#   weights 0.2126, 0.7152, 0.0722.
# - IEC (1999). *IEC 61966-2-1:1999. Multimedia systems and equipment. Colour measurement and
#   management. Part 2-1: Default RGB colour space, sRGB.* International Electrotechnical
#   Commission, Geneva. The curve between stored values and light.
# - Durant, Kotta and Mazer (2023). *Converting Grayscale Images to RGB Images Using Various
#   Autoencoder Architectures.* 6 December 2023. The paper that this course reproduces and tests.
# - Krizhevsky, A. (2009). *Learning Multiple Layers of Features from Tiny Images.* Technical
#   report, University of Toronto. Where CIFAR-10 comes from.
# - Zhang, R., Isola, P., and Efros, A. A. (2016). Colorful Image Colorization. In *Computer
#   Vision, ECCV 2016*, Lecture Notes in Computer Science 9907, pages 649 to 666. Springer.
#   doi:10.1007/978-3-319-46487-9_40. Why the mean is pale, and what to do instead.
# - Poynton, C. (2012). *Digital Video and HD: Algorithms and Interfaces.* Second edition, Morgan
#   Kaufmann. Luma and luminance, with all the detail one can wish for.
# - Hasler, D., and Süsstrunk, S. E. (2003). Measuring Colorfulness in Natural Images. In *Human
#   Vision and Electronic Imaging VIII*, Proceedings of SPIE 5007, pages 87 to 95.
#   doi:10.1117/12.477378. A number for how vivid a picture is; lesson 06 uses it.
