# %% [markdown]
# # 04 · A convolutional latent
#
# **About 80 minutes, half of them for the exercises.** Four narrow models are trained here, each in
# seconds.
#
# At the end of this lesson you will be able to
#
# - write the paper's third model, and say what changed from the second;
# - tell a bottleneck from a latent that is not one, by counting;
# - count multiplications by hand, and say why they rank models differently than parameters do;
# - look into a latent, and show whether its numbers have a place in the picture;
# - say which part of an error is sharpness, and what a sharp picture proves;
# - plan a comparison that changes one thing at a time.
#
# You need lesson 02 (model A, stride, the plateau schedule) and lesson 03 (the class, the training
# step, the 256 numbers, what a wrong gray does to the chroma part).

# %% tags=["parameters"]
profile = "quick"
seed = 0
device = "cpu"

# %% tags=["needed"]
import numpy as np

from course_lib import baselines, checks, data, experiments, grayscale, metrics

latents = {"B, fully connected": (256,), "C, convolutional": (256, 16, 16)}
for name, shape in latents.items():
    size = np.prod(shape)
    words = f"{' x '.join(map(str, shape)):14} = {size:6,} numbers"
    print(f"{name:20} {words}, {size / (32 * 32):5.2f} for each of the input")

# %% [markdown]
# ## The question
#
# You see the sizes of two latents. Model B squeezes a picture of 1024 numbers into 256. **Model
# C**, the paper's third, keeps 256 *maps* of 16 × 16: as many numbers as 64 gray pictures. It could
# keep the whole input and have room for 63 more. The paper finds its pictures clearer than those of
# B.
#
# **What happens to the picture when nothing has to be left out? And what does that prove about
# convolutions?**
#
# The baselines are those of lesson 01, on the validation images, now with two more columns. *SSIM*
# compares structure (edges, texture): each colour channel with the same channel of the truth, in
# windows of 11 pixels. It is 1 at best. *Colourfulness* is 0 for gray and has no unit: compare it
# with the last line, which gives its value for these photographs. Lesson 06 explains both and gives
# the references.
#
# *Expect:* the gray copy is as sharp as the truth. Which columns say so?

# %%
import torch
from torch import nn
from torch.nn.functional import max_pool2d

from course_lib import models_torch, plots, profiles, published, statistics, training

recipe = experiments.get("conv_latent")  # the paper's settings, as data
place = models_torch.pick_device(device)

# %% [markdown]
# That was PyTorch. Now the data, and the two baselines.

# %%
grant = profiles.get(profile)
cifar = data.load_cifar10(grant.data)
split = data.split(cifar)
validation = data.as_float(split.x_validation)  # (N, 32, 32, 3), float32 in [0, 1]
gray = grayscale.to_gray(validation)  # (N, 32, 32)
text = "MSE {mse:.5f} = luma {mse_luma:.5f} + chroma {mse_chroma:.5f}, SSIM {ssim:.2f}, "
text += "colourfulness {colourfulness:4.1f}"
for name in ("gray_copy", "gray_level_table"):
    score = metrics.evaluate(getattr(baselines, name)(gray), validation)
    print(f"{name:16}", text.format(**score))
print(f"colourfulness of the photographs: {score['colourfulness_target']:.1f}")

# %% [markdown]
# **What to see.** The luma part is zero and the SSIM high: a picture that nobody coloured has every
# edge in its place. Why is its SSIM below 1 nevertheless? It is given the same gray for red, green
# and blue, and the red channel of a photograph is not its gray: a red car stands out more, a green
# one less. So compare an SSIM with that of the gray copy, and not with 1.
#
# *Sharp*, then, is not what is difficult here. A model that learns to pass its input on is sharp
# without knowing any colour. What it cannot copy from its input is the chroma part.

# %% [markdown]
# ## Step 1 · What changed
#
# Four things, compared with model B:
#
# - `conv3` is not followed by pooling;
# - the two fully connected layers are gone, and a fourth convolution, `conv4`, makes the latent;
# - the latent is not followed by `relu`;
# - the decoder needs to enlarge the picture only once.
#
# One argument is ours. `latent_channels` says how many maps the latent has. The paper has as many
# as `conv3`, 256 at full width, and that is the default. Step 3 will change it.


# %%
class Layers(nn.Module):
    def __init__(self, channels=(64, 128, 256), latent_channels=None):
        super().__init__()
        c1, c2, c3 = channels
        c4 = latent_channels or c3
        self.conv1 = nn.Conv2d(1, c1, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(c1, c2, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(c2, c3, kernel_size=3, padding=1)
        self.conv4 = nn.Conv2d(c3, c4, kernel_size=3, padding=1)
        self.deconv1 = nn.ConvTranspose2d(c4, c2, kernel_size=3, padding=1)
        self.deconv2 = nn.ConvTranspose2d(c2, c1, kernel_size=3, padding=1)
        self.deconv3 = nn.ConvTranspose2d(c1, 3, kernel_size=3, padding=1)


# %% [markdown]
# **What to see.** Seven layers, and every one of them slides the same small window over the
# picture. Nothing here knows how large the picture is. Model B's `fc1` knew: it had a weight for
# every place.


# %%
class ConvLatentAutoencoder(Layers):
    def encode(self, gray):  #                            (N, 1, 32, 32)
        x = self.conv1(gray).relu()  #                    (N, 64, 32, 32)
        x = max_pool2d(self.conv2(x), 2).relu()  #        (N, 128, 16, 16)
        x = self.conv3(x).relu()  #                       (N, 256, 16, 16)
        return self.conv4(x)  #                           (N, 256, 16, 16)

    def decode(self, latent):  #                          (N, 256, 16, 16)
        x = self.deconv1(latent).relu()  #                (N, 128, 16, 16)
        x = self.deconv2(models_torch.upsample(x)).relu()  # (N, 64, 32, 32)
        return self.deconv3(x).sigmoid()  #               (N, 3, 32, 32)

    def forward(self, gray):
        return self.decode(self.encode(gray))


# %% [markdown]
# **What to see.** The picture is halved once, by one pooling, and doubled once. The latent has no
# `relu`: its numbers may be of either sign. And it is still a *picture*: each of its numbers has a
# row and a column.

# %% [markdown]
# ## Step 2 · Two ways to count
#
# *Parameters* are what has to be stored. *Mult-adds* are what has to be computed: one is a
# multiplication and an addition. A weight of a convolution is used once at every place of its
# output; a weight of a fully connected layer is used once. (As in the paper's tables, biases count
# as parameters and not as mult-adds.)
#
# So for each layer: weights times places.
#
# *Expect:* a convolution at 32 × 32 uses each weight 1024 times. Which layer of model C will cost
# the most, the largest?

# %% tags=["nbval-check-output"]
sides = {"conv1": 32, "conv2": 32, "conv3": 16, "conv4": 16, "deconv1": 16, "deconv2": 32}
sides |= {"deconv3": 32}
model = ConvLatentAutoencoder()
table = models_torch.layer_table(model)  # runs one gray image through the model
cost = models_torch.cost(table)
print("layer    output          parameters  weights x places    mult-adds  share")
for layer in table:
    weights, places = getattr(model, layer.name).weight.numel(), sides[layer.name] ** 2
    size, share = " x ".join(map(str, layer.output_shape)), layer.mult_adds / cost.mult_adds
    by_hand = f"{weights:7,} x {places:5,} = {weights * places:11,}"
    print(f"{layer.name:8} {size:14} {layer.num_parameters:9,}  {by_hand}  {share:6.1%}")
print(f"total {cost.num_parameters:,} parameters, {cost.mult_adds / 1e6:.2f} M mult-adds")

# %% [markdown]
# **What to see.** This is figure 10 of the paper, and the paper says 1,330,307 parameters and
# 455.34 M mult-adds too. `conv4` is the largest layer and costs the most, but see `conv2` and
# `deconv2`: an eighth of its weights and half of its cost, because they work at 32 × 32.
#
# Now all three models of the paper, at full width. For A there is only the arithmetic, places times
# weights; for B and C the library counts. Model A is the Keras model of lesson 02: convolutions
# down to 4 × 4 places, fully connected layers to 256 numbers and back, and convolutions up again.
# *Stride* 2 means that the window moves by two pixels: the output has a quarter of the places. A
# *transposed* convolution of stride 2 uses each weight once at every place of its *input*.
#
# *Expect:* B has the most parameters by far. Does it cost the most?

# %% tags=["nbval-check-output"]
# Model A, layer by layer: (side of the square of places, number of weights without biases).
# A convolution of stride 2 uses each weight at the places of its output: 16 x 16 for the first.
a = {"conv1": (16, 9 * 1 * 64), "conv2": (8, 9 * 64 * 128), "conv3": (4, 9 * 128 * 256)}
# A fully connected layer uses each weight once. 4096 = 4 x 4 places x 256 maps.
a |= {"latent_vector": (1, 4096 * 256), "dense": (1, 256 * 4096)}
# A transposed convolution of stride 2 uses each weight at the places of its input: 4 x 4 first.
a |= {"deconv1": (4, 9 * 256 * 256), "deconv2": (8, 9 * 256 * 128), "deconv3": (16, 9 * 128 * 64)}
# The last layer has stride 1: input and output have the same places.
a |= {"decoder_output": (32, 9 * 64 * 3)}
biases = (64 + 128 + 256 + 256) + (4096 + 256 + 128 + 64 + 3)  # one for each output channel
num_weights = sum(weights for _, weights in a.values())
counts = {"A": (num_weights + biases, sum(side**2 * weights for side, weights in a.values()))}
for letter, name in {"B": "FCLatentAutoencoder", "C": "ConvLatentAutoencoder"}.items():
    counts[letter] = models_torch.cost(models_torch.layer_table(getattr(models_torch, name)()))[:2]
for letter, (parameters, mult_adds) in counts.items():
    used = f"a parameter is used {mult_adds / parameters:3.0f} times on average"
    print(f"{letter}: {parameters:9,} parameters, {mult_adds / 1e6:6.1f} M mult-adds; {used}")

# %% [markdown]
# **What to see.** By parameters the order is B, A, C; by mult-adds it is C, B, A. The smallest
# model is the one that costs the most. Neither count is wrong.
#
# - B is *large*, but cheaper than C: nine tenths of its parameters are fully connected, and each of
#   those is used once per picture.
# - C is *small and expensive*: all its weights are used hundreds of times, and it never makes the
#   picture smaller than 16 × 16.
# - A is *cheap*: stride 2 in each layer makes the picture small at once.
#
# So "C is the smallest model" is true for the disk, and false for the electricity bill. A sentence
# about the size of a model has to say which size.

# %% [markdown]
# ## Step 3 · One change at a time
#
# Between B and C the paper changed *two* things at once: the latent became **larger** (65,536
# numbers instead of 256) and it became **a picture** (maps instead of a row of numbers). If C is
# better, which of the two was it?
#
# We put two models between them. Both have 256 numbers, as many as B, in a latent with places:
#
# - *C, halved twice*: 4 maps of 8 × 8. Like B it pools twice, and its decoder enlarges twice.
# - *C, one map*: 1 map of 16 × 16. Like C it pools once.
#
# The second needs no new class: `latent_channels=1`. The first changes two lines. One is below
# `conv3`, and the other enlarges the latent before the decoder takes it.


# %%
class HalvedTwice(ConvLatentAutoencoder):
    def encode(self, gray):  #                            (N, 1, 32, 32)
        x = self.conv1(gray).relu()  #                    (N, 64, 32, 32)
        x = max_pool2d(self.conv2(x), 2).relu()  #        (N, 128, 16, 16)
        x = max_pool2d(self.conv3(x), 2).relu()  #        (N, 256, 8, 8), as in B
        return self.conv4(x)  #                           (N, 4, 8, 8) with latent_channels=4

    def decode(self, latent):
        return super().decode(models_torch.upsample(latent))  # (N, 4, 8, 8) -> (N, 4, 16, 16)


# %% [markdown]
# **What to see.** A class can inherit another model and say only what differs. Now there is a
# ladder from B to C, and each rung changes less than the whole way does:
#
# | from | to | what changes |
# |---|---|---|
# | B | C, halved twice | `conv4` instead of the fully connected layers; no `relu` on the latent |
# | C, halved twice | C, one map | one halving fewer, equally many numbers |
# | C, one map | C | more maps |
#
# We train the four alike: narrow, on the same images in the same order, with the same steps,
# without rotation.
#
# *Write down your guess:* which rung gains the most?

# %%
torch.manual_seed(seed)
trained = {"B": models_torch.FCLatentAutoencoder(grant.channels)}
trained["C, halved twice"] = HalvedTwice(grant.channels, latent_channels=4)
trained["C, one map"] = ConvLatentAutoencoder(grant.channels, latent_channels=1)
trained["C"] = ConvLatentAutoencoder(grant.channels)
rate, batch_size = (1e-3, 20) if profile == "quick" else (recipe.learning_rate, recipe.batch_size)
alike = dict(train=split.x_train, validation=split.x_validation, seed=seed, progress=False)
alike |= dict(num_epochs=grant.num_epochs or recipe.num_epochs, batch_size=batch_size)
for model in trained.values():
    adam = torch.optim.Adam(model.to(place).parameters(), rate)
    training.fit(model, training.training_step, optimizer=adam, **alike)

# %% [markdown]
# **What to see.** Nothing yet. `training.training_step` is the step that you wrote by hand in
# lesson 03, and `fit` gives every model the same images in the same order. (As in lesson 03, the
# quick profile takes smaller batches and larger steps than the paper.)
#
# *Expect:* look at the rows from far away, then at the luma parts. Mind the sizes: a narrow C has
# fewer maps than the published one.

# %%
rows = {"input": gray[:8]}
for name, model in trained.items():
    table = models_torch.layer_table(model)
    latent = table[3].output_shape  # the fourth layer, fc1 or conv4, makes the latent
    size = f"{' x '.join(map(str, latent))} = {np.prod(latent):,} numbers"
    print(f"{name}: latent {size}, {models_torch.cost(table).num_parameters:,} parameters")
    prediction = training.predict(model, gray)  # (N, 32, 32, 3)
    print("   ", text.format(**metrics.evaluate(prediction, validation)))
    rows[name.replace(", ", ",\n")] = prediction[:8]
alt = "Eight photographs in gray; as coloured by B, blurred; by three kinds of C, with ever more "
plots.show(plots.side_by_side(rows | {"truth": validation[:8]}), alt=alt + "edges; and in truth.")

# %% [markdown]
# **What to see.** Go down the luma parts, rung by rung. In the quick profile the first two rungs
# gain the most, and the last, which makes the latent *larger*, gains the least. So it is not the
# size alone: most of the gain is there with 256 numbers. It comes with the latent being *a
# picture*, in which a number in row 5, column 9 is made of the pixels around there and used for the
# pixels around there. B has to learn for each of its numbers which pixels it describes. But a good
# part of the gain comes with the second rung: with as many numbers, the finer grid does better.
#
# Be careful with the conclusion, for the first rung is not one change. B has fully connected layers
# and with them most of its parameters; C has `conv4` in their place; B's latent ends in `relu`. To
# try the last of these, copy the class `HalvedTwice`, leave its `decode` out, and change two lines:
# the first is `class Signed(models_torch.FCLatentAutoencoder):`, and the last is `return
# self.fc1(x.flatten(1))`. Add `trained["B, signed"] = Signed(grant.channels)` and run the cells
# below. What would you say if it came close to B? If it came close to C?
#
# Mind B's 256, too. Lesson 03 counted the latent numbers of the published B that are 0 for every
# image. Where the `relu` does that, fewer than 256 are in use, and the first rung changes how many
# as well.
#
# And these are narrow models, few images, one seed, and seconds of training. (With the profile
# `full` the same cells train at full width.) Have we seen what each latent *can hold*? Lesson 03
# had a code of 256 numbers in a row that nobody trained by gradient descent: the linear code.
#
# *Expect:* where in the list above does its luma part belong?

# %%
flat = grayscale.to_gray(data.as_float(split.x_train)).reshape(-1, 1024)  # (M, 1024)
mean = flat.mean(axis=0)
patterns = np.linalg.svd(flat - mean, full_matrices=False)[2][:256]  # (256, 1024)
code = (gray.reshape(-1, 1024) - mean) @ patterns.T  # (N, 256)
linear = baselines.gray_copy((mean + code @ patterns).clip(0, 1).reshape(gray.shape))
print("linear code, 256 numbers in a row")
print("   ", text.format(**metrics.evaluate(linear, validation)))

# %% [markdown]
# **What to see.** Compare with C, whose latent has many times more numbers than the picture and
# could keep it whole. If the linear code loses less of the gray, then the list above does not say
# what each latent could hold. It says how *easily* each is learned.

# %% [markdown]
# ## Step 4 · The published model
#
# Model C at full width, trained as in the paper: 20 epochs. Its loss is figure 11 of the paper. We
# draw model B's beside it. Both were trained on rotated images: the dashed curves are not
# comparable with the dotted line, the solid ones are.
#
# *Expect:* does either get below the gray copy, and which one starts lower?

# %%
runs = {letter: published.load(experiments.get(letter).name) for letter in ("B", "C")}
curves = {run.label: run.history for run in runs.values()}
baseline = {"gray copy": runs["C"].metrics["gray_copy_validation"]["mse"]}
figure = plots.loss_curves(curves, baseline)
plots.show(figure, alt="Training and validation loss of models B and C, and the gray copy's.")

# %% [markdown]
# **What to see.** Ask about the picture: has each curve become flat, or does it still fall? Is C's
# solid line below the dotted one anywhere? A model that passes gray on unchanged would lie *on* the
# dotted line. Below the line a model must have learned something about colour. Above it, it may
# have, and lost more in the gray: this picture cannot say.
#
# So look at what C predicted during training, epoch by epoch.
#
# *Expect:* B began with blurs (lesson 03). What does a model begin with that can keep every edge?
#
# *Try:* go to the very first epoch. Which shapes are there already, and how sharp are they? Move
# on: when is C sharper than B ever gets? Then look for the first epoch at which a sky, or grass,
# has a colour of its own. "None" may be the answer.

# %% tags=["widget"]
from course_lib import widgets

widgets.scrub_training(runs["C"])

# %% [markdown]
# **What to see.** Light and dark are in their places at the first epoch; nobody had to teach C
# where things are. How sharp they are is another matter. If the first epoch shows soft blobs and
# the later ones ever finer edges, then a latent that *can* keep every edge still has to learn to
# pass it on. Colour comes more slowly than edges, if it comes, and stays pale. Did you see all
# pictures take one tint together, and another at the next epoch? Such a step moves the loss, too,
# but no picture's colour is any better for it. (On a page that cannot run code you see C's curves,
# and eight of the pictures at the beginning, in the middle and at the end.)
#
# Now the pictures: figure 4 of the paper, the first 100 test images. Our own class takes the
# published weights (those of the best epoch on the validation images).
#
# *Expect:* which of the pictures that you could not name in lesson 03 will you be able to name?

# %%
full = {"B": runs["B"].model(), "C": runs["C"].load_into(ConvLatentAutoencoder())}
weights = getattr(grayscale, recipe.gray_weights)  # both were trained on torchvision's gray
first_gray = grayscale.to_gray(data.as_float(cifar.x_test[:100]), weights)  # (100, 32, 32)
predicted = published.predict(full["C"], first_gray)  # (100, 32, 32, 3)
panels = []
for picture in (baselines.gray_copy(first_gray), predicted):
    rows_of_ten = picture.reshape(10, 10, 32, 32, 3).swapaxes(1, 2)  # (10, 32, 10, 32, 3)
    panels.append(rows_of_ten.reshape(320, 320, 3))
figure = plots.image_grid(np.stack(panels), ["input", f"output of {runs['C'].label}"], 2, zoom=2)
plots.show(figure, alt="The first 100 test images in gray, and as coloured by model C, with edges.")

# %% [markdown]
# **What to see.** The shapes are there: you can name what is in the pictures. Now cover the left
# half and look at the colours alone. How many pictures have a colour that you would call a guess
# about the *thing*, and how many look like an old brown print?
#
# Next the published models at full width side by side, on the validation images. (The cell prints
# nothing while they predict. That takes some seconds, and on a busy machine a minute.)
#
# *Expect:* sharpness is easy to see. Try to compare the *colours* of B and C, too.

# %%
gray_in = grayscale.to_gray(validation, weights)  # (N, 32, 32)
pictures = {"gray copy": baselines.gray_copy(gray)}
pictures |= {"gray-level table": baselines.gray_level_table(gray), "linear code": linear}
rows = {"input": gray[:8]}
for letter, model in full.items():
    pictures[runs[letter].label] = published.predict(model, gray_in)  # (N, 32, 32, 3)
    rows[letter] = pictures[runs[letter].label][:8]
alt = "Eight validation photographs in gray, as models B and C colour them, and in truth."
plots.show(plots.side_by_side(rows | {"truth": validation[:8]}), alt=alt)

# %% [markdown]
# **What to see.** C's pictures have edges. Whether their colours are better is hard to tell, for
# the eye likes a sharp picture. So we compute it: each picture gets the right gray, as in lesson
# 03, and what is left is an error of colour alone. It is in the column *right gray*. The last lines
# compare it image by image, with a 95 % interval.
#
# *Expect:* C is much sharper than B. By how much are its colours better?

# %%
print(f"{'':35}     MSE    luma  chroma  SSIM  colourful  right gray")
columns = "{mse:.5f} {mse_luma:.5f} {mse_chroma:.5f}  {ssim:.2f}  {colourfulness:9.1f}"
colour = {}
for name, picture in pictures.items():
    right = picture + (gray - grayscale.to_gray(picture))[..., None]  # (N, 32, 32, 3)
    colour[name] = np.mean((right - validation) ** 2, axis=(1, 2, 3))  # (N,)
    scores = columns.format(**metrics.evaluate(picture, validation))
    print(f"{name:35} {scores}     {colour[name].mean():.5f}")
names = {"table": "gray-level table"} | {letter: run.label for letter, run in runs.items()}
for one, other in (("table", "B"), ("table", "C"), ("B", "C")):
    gain = statistics.paired_difference(colour[names[one]], colour[names[other]], seed=seed)
    print("right gray, {} minus {}: {:.5f} ({:.5f} to {:.5f})".format(one, other, *gain))

# %% [markdown]
# **What to see.** Go through the columns.
#
# *Luma*: compare B with C. This is what a clearer picture is in numbers. The gray copy's is zero,
# so even C has lost a little of what it was given. Compare both with the linear code, too. C has
# 256 times as many numbers in its latent; B has as many by its layers, though lesson 03 counted how
# many of them work. Which of the two has lost less of the gray than the linear code, and which
# more? What a latent *could* hold is one thing, what was learned is another.
#
# *Chroma*: part of a wrong gray reappears here (lesson 03), so do not compare this column between
# pictures of different luma parts. Compare *right gray*. The gray-level table sees one pixel, the
# models see surroundings: where the whole interval of a difference from the table is above zero,
# the model knows something about the world.
#
# Now the line "B minus C": **does the sharper picture have the better colours?** If its interval
# contains zero, these images show no difference: then C's lead over B in the MSE is a lead in the
# gray, which was given. If all of it is above zero, C has the better colours, and the number says
# by how much: compare it with the difference of the MSEs.
#
# *Colourful* is the colourfulness: compare with that of the photographs, in the question's cell.
#
# So a sharp picture proves little. A latent that holds 64 pictures can carry the input through. It
# is not a code, in the sense of something shorter. Whoever praises a model for sharp output should
# look at the gray copy first.

# %% [markdown]
# ## Step 5 · Inside the latent
#
# C's latent of a picture is 256 maps of 16 × 16. Here they all are, one of them enlarged beside its
# picture. A map is stretched from its smallest number (black) to its largest (white). You can
# change the picture, the map (a click on the sheet chooses one, too) and the model: the other one
# is a model C that *has not been trained at all*.
#
# *Expect:* which of the two has maps that look more like the photograph?
#
# *Try:* go through some pictures and find one that you recognise in the sheet. Change the model.
# Then give all maps one scale: do they all contain something?

# %% tags=["widget"]
b, c = full.values()
some = torch.from_numpy(gray_in[:8, None])  # (8, 1, 32, 32)
both = {"trained": c, "untrained": ConvLatentAutoencoder()}
widgets.show_feature_maps(both, gray_in[:100])

# %% [markdown]
# **What to see.** Follow one shape through the sheet, such as a leg or a roof: in both models it is
# where it is in the photograph. Nobody has to teach a convolution to keep things in their places:
# every number of a map is made of the pixels around its own place, whatever the weights. Training
# only decides *what* is passed on. On one common scale, some maps are nearly flat: they hold little
# of *this* picture. (On a page that cannot run code you see the first picture, and the maps of each
# model that are highest on average.)
#
# Which of the two has the maps that look more like the photograph? The eye is easily misled here,
# for each map is stretched. So we count. The picture is shrunk to 16 × 16, and each map gets its
# *correlation* with it, without the sign: 1 for a copy and for a negative, 0 for no similarity. The
# border is left out, where the padding shows.
#
# *Expect:* does training make the maps more like the picture, or less?

# %%
from torch.nn.functional import avg_pool2d


def standard(maps):  # (N, C, 16, 16) -> (N, C, 12, 12), each with mean 0 and deviation 1
    inner = maps[:, :, 2:-2, 2:-2]
    deviation, mean = torch.std_mean(inner, dim=(2, 3), keepdim=True, correction=0)
    return (inner - mean) / deviation


first_40 = torch.from_numpy(gray_in[:40, None])  # (40, 1, 32, 32)
for name, model in both.items():
    with torch.no_grad():
        maps = standard(model.encode(first_40))  # (40, 256, 12, 12)
    alike = (maps * standard(avg_pool2d(first_40, 2))).mean(dim=(2, 3)).abs()  # (40, 256)
    many = (alike > 0.8).float().mean()
    print(f"{name:10} mean {alike.mean():.2f}; above 0.8: {many:.0%} of the maps")

# %% [markdown]
# **What to see.** Look at the untrained line first: it is not near 0. Random weights pass a good
# deal of the picture on, so a map in which you recognise a horse does not prove learning. Then
# compare. If the means differ clearly, the larger one has the maps that are more like the picture.
# If they are alike, look at the last column: a mean can stay while some maps come closer to the
# picture and others move away from it, to something that this number does not name. (Do not rely on
# the last digit: this is one untrained model, and 40 pictures.) In all cases things are in their
# places.
#
# Now test the places. In C we set a square of 2 × 2 places to zero, in all maps: 1024 numbers, one
# 64th of the latent. In B we do it to *one* number, the largest. Then we look where the picture
# changes.
#
# *Expect:* a hole in C. And in B?

# %%
with torch.no_grad():
    row, maps = b.encode(some[7:8]), c.encode(some[7:8])  # (1, 256) and (1, 256, 16, 16)
    outputs = [b.decode(row), c.decode(maps)]
    row[0, row.argmax()], maps[:, :, 7:9, 7:9] = 0, 0
    outputs += [b.decode(row), c.decode(maps)]  # four times (1, 3, 32, 32)
before, after = torch.cat(outputs).permute(0, 2, 3, 1).numpy().reshape(2, 2, 32, 32, 3)
change = np.abs(after - before).max(axis=-1)  # (2, 32, 32)
shares = (change > 1 / 255).mean(axis=(1, 2))  # (2,)
print("pixels that change by more than one level: B {:.0%}, C {:.0%}".format(*shares))
rows = {"output": before, "after": after, "change": change / change.max(axis=(1, 2))[:, None, None]}
alt = "Outputs of B and C, before and after. The change is everywhere in B and one spot in C."
plots.show(plots.side_by_side(rows, titles=["B", "C"], zoom=4), alt=alt)

# %% [markdown]
# **What to see.** In C a spot in the middle changes, and everything around it stays as it was. In B
# the change is spread over the picture: a number of its latent has no place. (The bottom row is
# stretched, so that the largest change of each model is white.)
#
# Having a place is a strength: C need not learn the same thing for each corner. It is a limit too:
# C predicts a pixel from a *neighbourhood*, and cannot ask whether the picture as a whole shows a
# beach or a stable. Exercise 3 computes how far a number of the latent sees. (A predicted pixel
# sees farther, since it is made of several of these numbers: 24 × 24 pixels of the input.)

# %% [markdown]
# ## Step 6 · What the paper compared
#
# We changed one thing at a time. What did the paper change between its models? The recipes are data
# in `course_lib.results.experiments`.
#
# *Expect:* the models differ, of course. Count what else does.

# %% tags=["nbval-check-output"]
recipes = {letter: experiments.get(letter) for letter in ("A1", "B", "C")}
fields = ["framework", "learning_rate", "schedule", "batch_size", "num_epochs"]
fields += ["rotation", "gray_weights"]
print(f"{'':14}", *(f"{letter:>12}" for letter in recipes))
for field in fields:
    values = [getattr(one, field) for one in recipes.values()]
    words = ["plateau" if isinstance(value, dict) else str(value) for value in values]
    print(f"{field:14}", *(f"{word:>12}" for word in words), "differs" * (len(set(words)) > 1))
between_a_and_c = sum(getattr(recipes["A1"], f) != getattr(recipes["C"], f) for f in fields)
print(f"settings in which A1 and C differ: {between_a_and_c} of {len(fields)}")

# %% [markdown]
# **What to see.** A1 is model A trained with the *plateau* schedule, which lowers the learning rate
# when the loss no longer falls. Not one line is the same for all three. A differs from B and C in
# everything, and the frameworks hide more: Keras initialises weights differently from PyTorch, and
# Adam's epsilon, a small constant that keeps it from dividing by zero, is 1e-7 in one and 1e-8 in
# the other. If one of A and C beats the other, it may be the stride, the learning rate, the epochs,
# or the rotation. Such differences are called **confounds**: they go together with what one wants
# to compare, and nobody can tell their effects apart afterwards.
#
# In the paper's recipe B and C are trained alike. But their latents differ in size *and* in kind,
# and that is a confound too. Step 3 took a part of it apart, with two more models: it separated the
# size from the rest, and the second halving from the fully connected layers. It did not separate
# these layers from their `relu` and their parameters. That is the whole method: **one change at a
# time**, a guess written down beforehand, and a list of what is still tied together.

# %% [markdown]
# ## Exercises
#
# Each exercise is one function. Write its body, run the cell, then run the check below it. Nothing
# later depends on your answers.
#
# ### Exercise 1 · Mult-adds of one layer (one line)
#
# A convolution with a square window of `kernel_size`, stride 1, and padding that keeps the size.
# How many mult-adds does it take for one picture of `height` × `width`? Biases do not count. A
# multiplication and its addition count as one.


# %% tags=["exercise"]
def mult_adds(height, width, channels_in, channels_out, kernel_size):
    """Mult-adds of one convolution on one picture, a whole number."""
    ### BEGIN SOLUTION
    return height * width * kernel_size**2 * channels_in * channels_out
    ### END SOLUTION


# %% tags=["check"]
checks.check("04.mult_adds", mult_adds)

# %% [markdown]
# ### Exercise 2 · When is it a bottleneck? (two or three lines)
#
# A latent has `channels` maps. Each pooling halves the height and the width of the picture. How
# many poolings are needed until the latent has *fewer* numbers than the gray picture that went in?
# When your answer passes, ask it about model C's 256 maps, and ask yourself why the size of the
# picture is not an argument of the function.


# %% tags=["exercise"]
def poolings_needed(channels):
    """Smallest number of poolings that makes `channels` maps fewer numbers than one input map."""
    ### BEGIN SOLUTION
    num_poolings = 0
    while channels >= 4**num_poolings:
        num_poolings += 1
    return num_poolings
    ### END SOLUTION


# %% tags=["check"]
checks.check("04.poolings_needed", poolings_needed)

# %% [markdown]
# ### Exercise 3 · How far does it see? (four lines)
#
# One number of the latent depends on a square of input pixels, its *receptive field*. How many
# pixels wide is it? Walk through the layers in order. A window of `kernel` widens the field by
# `kernel − 1` *steps*, and a step is one input pixel at first. After a layer of stride 2, steps are
# twice as long: strides multiply. (A pooling is a layer with kernel 2 and stride 2.)
#
# Model C's encoder is `[[3, 1], [3, 1], [2, 2], [3, 1], [3, 1]]`. Does a number of its latent see
# the whole picture? (This is about the latent. What step 5 says about a predicted pixel includes
# the decoder as well.)


# %% tags=["exercise"]
def receptive_field(layers):
    """Layers (L, 2), each kernel and stride, from the input on -> width of the field in pixels."""
    ### BEGIN SOLUTION
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field
    ### END SOLUTION


# %% tags=["check"]
checks.check("04.receptive_field", receptive_field)

# %% [markdown]
# ### Exercise 4 · Design the experiments between A and C (open)
#
# Write the settings of a run as a row of numbers: framework, learning rate, batch size, and so on.
# Two runs differ in several settings. **Return a chain of runs** that begins with `start` and ends
# with `goal`, in which neighbours differ in exactly one setting, and which is as short as possible.
# Many orders are right; the check takes any.
#
# Then answer for your group: between two neighbours you find that the loss falls by 0.0003. What
# else do you need, before you believe that the setting did it? And how many trainings is that for
# the whole chain, with three seeds for each run?


# %% tags=["exercise"]
def chain(start, goal):
    """Settings (S,) and (S,) -> the runs (R, S) that lead from one to the other."""
    ### BEGIN SOLUTION
    runs = [start]
    for setting in np.flatnonzero(start != goal):
        run = runs[-1].copy()
        run[setting] = goal[setting]
        runs.append(run)
    return np.stack(runs)
    ### END SOLUTION


# %% tags=["check"]
checks.check("04.chain", chain)

# %% [markdown]
# ### Exercise 5 · In your own words
#
# The paper finds that model C's pictures are clearer than B's. Someone concludes: *"So a
# convolutional latent is the better code."* Do you agree? Answer in five to eight sentences.
#
# | points | for |
# |---|---|
# | 1 | the sizes of the two latents, and which of them is a bottleneck |
# | 1 | what clarity is in numbers, and what the gray copy scores there |
# | 1 | what step 3 shows about kind and size, and what it does not show |
# | 1 | one experiment that changes one thing, with what each outcome would mean |

# %% [markdown] tags=["written"] points=4
# *Your answer here.*

# %% [markdown]
# ## Results
#
# Last, the test set: all 10,000 images, measured once with the published weights, one seed each.
# The table is read from the records of the runs. The last comparison is image by image between B
# and C, with a 95 % interval over the 10,000 images.

# %% tags=["results", "nbval-check-output", "key-number"]
results = {"gray copy": runs["C"].metrics["gray_copy_test"]}
results["gray-level table"] = runs["C"].metrics["gray_level_table_test"]
results |= {run.label: run.metrics["test"] for run in runs.values()}
print(f"{'':35}     MSE    luma  chroma  SSIM  colourful")
for name, score in results.items():
    print(f"{name:35}", columns.format(**score))
errors = {letter: run.per_image("mse") for letter, run in runs.items()}  # (10000,) each
difference = statistics.paired_difference(errors["B"], errors["C"], seed=seed)
print("MSE of B minus that of C: {:.5f} ({:.5f} to {:.5f})".format(*difference))
print(f"C has the lower error on {np.mean(errors['C'] < errors['B']):.1%} of 10,000 images")
print("test MSE of C in the band 0.004 to 0.015:", 0.004 < score["mse"] < 0.015)
print(f"test MSE of {runs['C'].label}, seed {runs['C'].manifest['seed']}: {score['mse']:.5f}")

# %% [markdown]
# **What to see.** First C's line against the two baselines, doing nothing and the table that sees
# one pixel: is it below one of them, both, or none? Then the luma part. The chroma parts also hold
# some wrong gray, more of it in B than in C: for colours see the column *right gray* of step 4.
# Then B against C: the interval says how sure the difference is *for these two trained models*. It
# says nothing about other seeds, and nothing about what each could reach with more training.
#
# If `in the band` says `False`, something in the data, the gray or the weights is not what it
# should be.

# %% [markdown]
# ## What we have seen
#
# - Model C's latent has 64 numbers for each number of the input. It is no bottleneck: it
#   could keep the whole picture. It still has to learn to.
# - Blur shows in the luma part of the error (wrong brightness does, too). The gray copy has none of
#   it, at no cost, so a sharp picture proves little about a model that has to find colours.
# - Parameters count what is stored, mult-adds what is computed. The smallest of the three models by
#   the first costs the most by the second, for a convolution uses each weight at every place.
# - A number of a convolutional latent has a place. With 4 maps of 8 × 8, and more so with one map
#   of 16 × 16, as many numbers as B has were learned far more easily.
# - How easily a code is learned is not what it can hold: a linear code of 256 numbers shows that.
# - A sharper picture need not have the better colours. Give both the right gray, and compare.
# - Two models that differ in several settings cannot show which one mattered. Change one thing at a
#   time, and list what is still tied together.
#
# **Next:** lesson 05 changes one thing in model A: the learning rate.

# %% [markdown]
# ## Further reading
#
# - Durant, Kotta and Mazer (2023). *Converting Grayscale Images to RGB Images Using Various
#   Autoencoder Architectures.* 6 December 2023. Its model C, figures 4, 10 and 11.
# - Dumoulin, V., and Visin, F. (2016). *A Guide to Convolution Arithmetic for Deep Learning.*
#   arXiv:1603.07285. Sizes, strides and transposed convolutions, with pictures.
# - Odena, A., Dumoulin, V., and Olah, C. (2016). Deconvolution and Checkerboard Artifacts.
#   *Distill.* doi:10.23915/distill.00003. Why B and C enlarge first and convolve afterwards.
# - Araujo, A., Norris, W., and Sim, J. (2019). Computing Receptive Fields of Convolutional Neural
#   Networks. *Distill.* doi:10.23915/distill.00021. Exercise 3 in general.
# - Zeiler, M. D., and Fergus, R. (2014). Visualizing and Understanding Convolutional Networks. In
#   *Computer Vision, ECCV 2014*, Lecture Notes in Computer Science 8689, pages 818 to 833.
#   Springer. doi:10.1007/978-3-319-10590-1_53. Looking into feature maps.
