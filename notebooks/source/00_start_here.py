# %% [markdown]
# # 00 · Start here
#
# **About 10 minutes.** Nothing is trained here, and no framework is loaded.
#
# This course teaches autoencoders with one task: a network gets a gray photograph and has to give
# it back in colour. It rebuilds the models of a paper (Durant, Kotta and Mazer, 2023), measures
# what they can do, and asks what such a measurement is worth.
#
# At the end of this lesson you will be able to
#
# - find your way around a lesson: parameters, steps, exercises, checks, results;
# - say whether your environment is complete;
# - load the bundled photographs and look at them in colour and in gray;
# - name the first number that every model of this course has to beat.

# %% tags=["parameters"]
profile = "quick"
seed = 0
device = "cpu"

# %% [markdown]
# Every lesson begins with a cell like the one above.
#
# - `profile` says how much computing a lesson may use. `"quick"` needs two CPU cores, no GPU and no
#   network, and works on a sample of 3,000 photographs that ships with the course. `"full"` uses
#   all 60,000 and the sizes of the paper, and is meant for a GPU. You change this one word; nothing
#   else has to be edited.
# - `seed` fixes what is random. The same seed gives the same numbers on the same machine; another
#   machine rounds differently, and training amplifies the difference.
# - `device` says where networks are trained.

# %% [markdown]
# ## The question
#
# **How good is a picture that nobody has coloured?**
#
# It sounds like a joke, but it comes first. A score means something only beside the score of
# somebody who did not try. Whatever a network reaches in a later lesson, it has to beat this: take
# the gray picture, and call it a colour picture.
#
# We call that the **gray copy**. This lesson measures it.

# %% [markdown]
# ## Step 1 · Is everything here?
#
# The cell lists the packages that lessons use, without loading them.

# %%
import sys
from importlib.metadata import version

packages = ["numpy", "scipy", "scikit-image", "matplotlib", "ipywidgets"]
packages += ["torch", "torchvision", "tensorflow", "keras"]
print("Python", sys.version.split()[0])
for package in packages:
    print(package, version(package))

# %% [markdown]
# **What to see.** A version after each name; yours may differ a little from those in the solved
# edition of this lesson, in `notebooks/`. If the cell ends in `PackageNotFoundError`, this notebook
# is running in a different environment from the course's. Close it, and start JupyterLab with `make
# lab` in the course's folder. For a full check, run `course doctor` in a terminal.

# %% [markdown]
# ## Step 2 · The photographs
#
# CIFAR-10 (Krizhevsky, 2009) contains 60,000 colour photographs of 32 by 32 pixels in ten classes.
# The sample has the same number of photographs of every class.

# %% tags=["nbval-check-output"]
import numpy as np

from course_lib import baselines, checks, data, grayscale, plots, profiles, published

cifar = data.load_cifar10(profiles.get(profile).data)
print("train", cifar.x_train.shape, cifar.x_train.dtype)
print("test ", cifar.x_test.shape, cifar.x_test.dtype)
print("one pixel:", cifar.x_test[0, 0, 0], "its red, green and blue, each from 0 to 255")

# %% [markdown]
# **What to see.** The axes are image, row, column, channel. A pixel is three bytes. For computing
# we divide them by 255, so that black is 0 and white is 1; `data.as_float` does it.
#
# Of the sample's 2,000 training images, later lessons set 400 aside for *validation*: a network
# does not learn from these; they show how well it does while it learns. So do not be surprised to
# see 1,600 there.
#
# Now one test photograph of each class, in colour, and in gray as the course defines it: 0.299 of
# its red, 0.587 of its green and 0.114 of its blue. Lesson 01 explains why.
#
# *Expect:* cover the upper row with your hand. For which pictures would you guess the colours from
# the gray?

# %%
test = data.as_float(cifar.x_test)  # (N, 32, 32, 3), float32 in [0, 1]
gray = grayscale.to_gray(test)  # (N, 32, 32)
first = [np.flatnonzero(cifar.y_test == label)[0] for label in range(10)]  # one of each class
rows = {"colour": test[first], "gray": gray[first]}
plots.show(
    plots.side_by_side(rows, titles=data.CLASS_NAMES),
    alt="One photograph of each of the ten classes of CIFAR-10, in colour and below it in gray.",
)

# %% [markdown]
# **What to see.** Some colours can be guessed: the grass behind the bird, the leaves around the
# frog, the white horse. Others cannot: who would know that the wall behind the car is orange, that
# the light on the deer is blue, or which stripe of the ship is blue and which is red? (These are
# the pictures of the quick profile.) A network is in the same position. It can learn what is
# likely, not what was there.

# %% [markdown]
# ## Step 3 · What a network predicts
#
# The course ships trained networks as *published runs*: the weights, the history of the training,
# and predictions on photographs that were held out from it. Here are eight of those. Upper row: the
# network's input. Middle: its prediction after its last epoch. Lower: the truth. (An *epoch* is one
# pass of the training over all its images.)
#
# *Expect:* where you would guess the colours, it may do so too.

# %%
run = published.load("three_layer_plateau")
truth = data.as_float(run.truth[:8])  # (8, 32, 32, 3), validation photographs
rows = {
    "gray": grayscale.to_gray(truth),
    "prediction": data.as_float(run.predictions[-1][:8]),
    "truth": truth,
}
print("published run:", run.label)
plots.show(
    plots.side_by_side(rows),
    alt="Eight photographs in three rows: in gray, as a network colours them, and in truth.",
)

# %% [markdown]
# **What to see.** Two things. The shapes were given: are they as sharp as they came in? And the
# colours were not: where does the network dare to use any, and are they the right ones? Where does
# it stay brown or gray? How good this is cannot be seen in eight pictures. It takes a number, and
# something to compare the number with.
#
# The line above the picture names the run. A1 is the first model of the paper, trained for as many
# epochs as in the paper; lesson 02 explains what the rest of the line means.

# %% [markdown]
# ## Exercises
#
# Lessons have exercises, and this is how they work. In **your** edition of a lesson the body of a
# function is missing: it says `raise NotImplementedError`. You replace that line. The cell after it
# is a **check**. As long as you have not answered, it says so in one line and the run continues. If
# your answer is right, it prints `ok`. If not, it stops: where it recognises the mistake it says
# which idea is wrong; otherwise it shows a case in which your result differs from the right one.
# Nothing later in a lesson depends on your answers, so you may skip an exercise and come back.
#
# There are two editions. `notebooks/` holds the solved one, with all outputs. `make lab` puts the
# student edition into `work/`, and never overwrites a file of yours. If you want to start a lesson
# again, `course reset 01` gives you a fresh copy and keeps your old one beside it.
#
# ### Exercise 1 · A negative (one line)
#
# Turn a gray picture into its negative: black becomes white, white becomes black, middle gray
# stays. Before you write the right answer, try two wrong ones, `return -gray` and `return gray`,
# and see what the check says.


# %% tags=["exercise"]
def negative(gray):
    """Gray of any shape in [0, 1] -> its negative, of the same shape, in [0, 1]."""
    ### BEGIN SOLUTION
    return 1 - gray
    ### END SOLUTION


# %% tags=["check"]
checks.check("00.negative", negative)

# %% [markdown]
# ## Results
#
# Now the answer to the question. The **mean squared error** (MSE) takes the difference between
# prediction and truth in every pixel and every channel, squares it, and averages. 0 is perfect.
# For the gray copy the course expects a value in the band from 0.0060 to 0.0072.
#
# Two terms that come back in every lesson: a **band** is the range of the course's own results, so
# a value outside it means that something is different on your machine. A **baseline** is a score
# that a network has to beat.
#
# *Before you run the cell:* what do photographs look like for which a gray copy is a bad guess, and
# for which it is a good one? Name a class for each end of the list, with your reason.

# %% tags=["nbval-check-output", "key-number"]
copy = baselines.gray_copy(gray)  # (N, 32, 32) -> (N, 32, 32, 3), three equal channels
squared_errors = np.mean((copy - test) ** 2, axis=(1, 2, 3))  # (N,), one per photograph
by_class = [squared_errors[cifar.y_test == label].mean() for label in range(10)]
for label in np.argsort(by_class):
    print(f"{data.CLASS_NAMES[label]:11} {by_class[label]:.5f}")
print("in the band from 0.0060 to 0.0072:", 0.0060 <= squared_errors.mean() <= 0.0072)
print(f"MSE of the gray copy, {len(test)} test images: {squared_errors.mean():.5f}")

# %% [markdown]
# **What to see.** The last line is the baseline. It looks small, because an MSE counts *squares*
# and most colours in photographs are close to gray. Remember it when a network reports an error of
# 0.01 and calls it small.
#
# The classes differ: the score measures how colourful the photographs are, not how well anybody
# did. Were your two reasons about colour? And do not read much into the order: with 100 photographs
# of each class it is partly luck, and neighbours in the list may change places on 100 others.
#
# In the quick profile the numbers come from the test images of the sample; with `profile = "full"`
# the same cell uses all 10,000. On other images the baseline is slightly different, and you will
# see it with different last digits in later lessons: compare a score only with the gray copy *on
# the same images*.

# %% [markdown]
# ## What we have seen
#
# - A lesson has parameters, a question with a baseline to beat, steps, exercises with checks, and
#   results against a band.
# - One parameter, `profile`, switches between a laptop and a GPU.
# - The gray copy is the first baseline: the score of a picture that nobody has coloured.
# - From gray alone a colour can be likely, but not certain.
#
# **Next:** lesson 01 looks at the gray itself. What is it, why do libraries disagree about it, and
# what does it lose?

# %% [markdown]
# ## Further reading
#
# - Durant, Kotta and Mazer (2023). *Converting Grayscale Images to RGB Images Using Various
#   Autoencoder Architectures.* 6 December 2023. The paper that this course reproduces and tests.
# - Krizhevsky, A. (2009). *Learning Multiple Layers of Features from Tiny Images.* Technical
#   report, University of Toronto. Where CIFAR-10 comes from.
# - ITU-R (2011). *Recommendation BT.601-7: Studio encoding parameters of digital television for
#   standard 4:3 and wide-screen 16:9 aspect ratios.* International Telecommunication Union,
#   Geneva. Where the three weights come from.
