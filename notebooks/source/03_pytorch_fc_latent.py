# %% [markdown]
# # 03 · A fully connected latent, in PyTorch
#
# **About 90 minutes, half of them for the exercises.** A narrow model is trained here, in seconds.
#
# At the end of this lesson you will be able to
#
# - write an autoencoder as a PyTorch class, and give the shape of what flows between its layers;
# - count its parameters by hand, and say where they are;
# - write the training step by hand, and say what each of its five parts does;
# - evaluate a model without gradients and without side effects;
# - say what rotating the training images does to the training loss;
# - save and load weights so that no file can run code and no error is hidden;
# - say what 256 numbers can hold, and whether a model gets that much out of them.
#
# You need lesson 01 (gray, the two baselines, the luma and the chroma part of an error) and lesson
# 02 (convolution, stride, Adam, and the linear code, which comes back in step 5).

# %% tags=["parameters"]
profile = "quick"
seed = 0
device = "cpu"

# %% tags=["needed"]
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import max_pool2d, mse_loss

from course_lib import baselines, checks, data, experiments, grayscale, models_torch, profiles

# %% [markdown]
# Apart from PyTorch itself, only `nn`, which holds the layers, and two functions are used so often
# that they get short names. Now the settings and the data.

# %%
grant = profiles.get(profile)
recipe = experiments.get("fc_latent")  # the paper's settings, as data
place = models_torch.pick_device(device)
cifar = data.load_cifar10(grant.data)
split = data.split(cifar)

# %% [markdown]
# ## The question
#
# Lesson 02 built the paper's first model in Keras. This one is the paper's second, **model B**, in
# PyTorch. PyTorch hides less: the training step is yours to write.
#
# Model B squeezes every picture into a row of **256 numbers**, its *latent*, and has to predict the
# colour picture from these numbers alone. The gray input has 32 · 32 = 1024 numbers and the colour
# output 3072. So the question is:
#
# **What do 256 numbers hold of a picture, and what is lost on the way?**
#
# First the baselines, as in lesson 01, on the validation images. We add one more: a picture filled
# entirely with the mean colour of the training images. A model that has learned anything beats
# that.
#
# *Before you run the cell, guess:* is one flat colour ten times as bad as the gray copy, or a
# hundred times?

# %% tags=["nbval-check-output"]
from course_lib import plots, training

train = data.as_float(split.x_train)  # (N, 32, 32, 3), float32 in [0, 1]
validation = data.as_float(split.x_validation)
gray = grayscale.to_gray(validation)  # (N, 32, 32)
pictures = {
    "mean colour": np.broadcast_to(train.mean(axis=(0, 1, 2)), validation.shape),
    "gray copy": baselines.gray_copy(gray),
    "gray-level table": baselines.gray_level_table(gray),
}
print(f"training images {train.shape}, validation images {validation.shape}")
for name, picture in pictures.items():
    print(f"{name:17} MSE on validation: {np.mean((picture - validation) ** 2):.5f}")

# %% [markdown]
# **What to see.** The flat colour is about nine times as bad as the gray copy. The gap between its
# line and the other two is what a picture's *shapes* are worth; the gap between the second and zero
# is what its *colours* are worth. The paper says that model B hardly gets its training loss below
# 0.01. Where would that put it on this list?

# %% [markdown]
# ## Step 1 · The class
#
# A PyTorch model is a class that derives from `nn.Module`. It has two parts. `__init__` makes the
# layers, which *own* the parameters. `forward` says how a batch *flows* through them. Usually both
# are in one class body. We build the class in three cells, to talk about each.
#
# First the layers. In PyTorch images are **(N, C, H, W)**: the channels come before rows and
# columns. A convolution with a 3 × 3 window and `padding=1` keeps height and width.
#
# *Expect:* nothing to be printed. But look at the comments: what size must `fc1` expect, if the
# picture is halved twice on the way to it?


# %% tags=["needed"]
class Layers(nn.Module):
    def __init__(self, channels=(64, 128, 256), latent_dim=256):
        super().__init__()
        c1, c2, c3 = channels
        self.conv1 = nn.Conv2d(1, c1, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(c1, c2, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(c2, c3, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(c3 * 8 * 8, latent_dim)  # 32 / 2 / 2 = 8
        self.fc2 = nn.Linear(latent_dim, c3 * 8 * 8)
        self.deconv1 = nn.ConvTranspose2d(c3, c2, kernel_size=3, padding=1)
        self.deconv2 = nn.ConvTranspose2d(c2, c1, kernel_size=3, padding=1)
        self.deconv3 = nn.ConvTranspose2d(c1, 3, kernel_size=3, padding=1)


# %% [markdown]
# **What to see.** Eight layers, in the order of the flow. `super().__init__()` must come first: it
# lets the module notice each layer you assign, so that `parameters()` finds their weights later.
# A layer kept in a plain Python list would not be noticed, and never be trained.
#
# The names are not ours. They are those of the paper's table, and the published weights are stored
# under them: a class with these names can load them.
#
# Now the encoder: gray picture in, 256 numbers out. The shape of `x` is after each line.


# %% tags=["needed"]
class Encoder(Layers):
    def encode(self, gray):  #                            (N, 1, 32, 32)
        x = self.conv1(gray).relu()  #                    (N, 64, 32, 32)
        x = max_pool2d(self.conv2(x), 2).relu()  #        (N, 128, 16, 16)
        x = max_pool2d(self.conv3(x), 2).relu()  #        (N, 256, 8, 8)
        return self.fc1(x.flatten(start_dim=1)).relu()  # (N, 16384) -> (N, 256)


# %% [markdown]
# **What to see, line by line.**
#
# - `conv1` looks for 64 small patterns in the gray picture. `relu` sets what is negative to zero;
#   without it two convolutions in a row would be no more than one.
# - `conv2` combines them into 128 patterns. `max_pool2d(x, 2)` keeps the largest of every 2 × 2
#   numbers: half the height, half the width. *That* a pattern occurs is kept; *where* it occurs is
#   now known to two pixels only.
# - `conv3` does so once more: 256 maps of 8 × 8. There are now 16,384 numbers, 16 times as many as
#   in the input. Up to here nothing forces anything out.
# - `flatten` writes them in one row per image, and `fc1` makes 256 sums of all of them. **Here is
#   the bottleneck.** Everything the decoder will ever know has to be in these 256 numbers. The last
#   `relu` even removes their sign.
#
# The decoder goes the other way.


# %% tags=["needed"]
upsample = nn.Upsample(scale_factor=2, mode="bilinear")  # (N, C, H, W) -> (N, C, 2H, 2W)


class FCLatentAutoencoder(Encoder):
    def decode(self, latent):  #               (N, 256)
        x = self.fc2(latent).relu()  #         (N, 16384)
        x = x.unflatten(1, (-1, 8, 8))  #      (N, 256, 8, 8)
        x = self.deconv1(upsample(x)).relu()  # (N, 128, 16, 16)
        x = self.deconv2(upsample(x)).relu()  # (N, 64, 32, 32)
        return self.deconv3(x).sigmoid()  #    (N, 3, 32, 32)

    def forward(self, gray):
        return self.decode(self.encode(gray))


# %% [markdown]
# **What to see.**
#
# - `fc2` makes 16,384 numbers out of 256, and `unflatten` folds them into 256 maps of 8 × 8. The
#   `-1` means: whatever is left over, so that narrower models work too.
# - `upsample` doubles the size by *bilinear* interpolation, which has no parameters: new pixels are
#   weighted means of their neighbours. It is smooth. Sharp edges have to come from the layers.
# - A transposed convolution with stride 1 and padding 1 does what a convolution does, with its
#   weights stored the other way round. The paper uses it, so we do.
# - `sigmoid` maps each number to between 0 and 1, as colours are.
# - `forward` is what `model(gray)` calls. Encoder, decoder, done.
#
# The library has this class in one piece, as `models_torch.FCLatentAutoencoder`.
#
# **How many parameters?** Every output of a layer is a weighted sum plus a bias. So count: how many
# inputs does one sum see, plus 1 for its bias, times the number of *different* sums. A convolution
# uses the same sums at every place of the picture. A fully connected layer has one sum of its own
# for every output.
#
# *Expect:* which layer is the largest?

# %% tags=["nbval-check-output"]
sums = {"conv1": (3 * 3 * 1, 64), "conv2": (3 * 3 * 64, 128), "conv3": (3 * 3 * 128, 256)}
sums |= {"fc1": (256 * 8 * 8, 256), "fc2": (256, 256 * 8 * 8)}
sums |= {"deconv1": (3 * 3 * 256, 128), "deconv2": (3 * 3 * 128, 64), "deconv3": (3 * 3 * 64, 3)}
table = models_torch.layer_table(FCLatentAutoencoder())  # runs one gray image through the model
total = models_torch.cost(table)
print("layer    output            by hand   PyTorch  share")
for name, shape, num_parameters, _ in table:
    inputs, outputs = sums[name]
    by_hand, size = (inputs + 1) * outputs, " x ".join(map(str, shape))
    share = by_hand / total.num_parameters
    print(f"{name:8} {size:14} {by_hand:10,} {num_parameters:9,} {share:6.1%}")
print(f"total {total.num_parameters:,} parameters, {total.parameters_mb:.2f} MB in float32")

# %% [markdown]
# **What to see.** This is figure 8 of the paper (outputs are before pooling), and the paper says
# 9,145,475 too. The two fully connected layers hold more than nine tenths of all parameters. The
# six convolutions together are small beside them.
#
# Why? A convolution has a few weights and uses them everywhere. `fc1` has a weight for *each pair*
# of a place and a latent number. It could learn that grass at the bottom left means something else
# than grass at the bottom right. There is a price: what it learns about one corner it does not know
# about the next. And its size grows with the picture, as exercise 1 shows.

# %% [markdown]
# ## Step 2 · Rotated pictures, black corners
#
# The paper trains B, and C (lesson 04), on *augmented* images: each time an image is seen, it is
# rotated by a random angle between −15 and 15 degrees. A rotated cat is still a cat, so this makes
# new training images out of old ones, at no cost. The picture is rotated first, and its gray is
# computed afterwards: input and target match.
#
# But a rotated square does not fill a square. What comes in from outside is black.
#
# *Expect:* what percentage of the pixels is black? And how well does the gray copy do on rotated
# images: better, worse, or the same?

# %%
torch.manual_seed(seed)
images = torch.from_numpy(split.x_train)  # uint8 (N, 32, 32, 3)
rotated_gray, rotated_rgb = training.gray_and_rgb(images, rotation=recipe.rotation)  # NCHW
black = (rotated_rgb == 0).all(dim=1).float().mean()
plain = np.mean((grayscale.to_gray(train, keepdims=True) - train) ** 2)
rotated = torch.mean((rotated_gray - rotated_rgb) ** 2)
print(f"black pixels: {(train == 0).all(axis=-1).mean():.1%} before, {black:.1%} after rotating")
print(f"gray copy, MSE: {plain:.5f} before, {rotated:.5f} after: {1 - rotated / plain:.1%} less")
target, given = rotated_rgb[:8].permute(0, 2, 3, 1).numpy(), rotated_gray[:8, 0].numpy()
rows = {"photograph": train[:8], "rotated:\nthe target": target, "its gray:\nthe input": given}
alt = "Eight photographs; each rotated by up to 15 degrees, with black corners; and their gray."
plots.show(plots.side_by_side(rows), alt=alt)

# %% [markdown]
# **What to see.** Black wedges in the corners, in target and input alike, larger where the angle is
# larger. Look closely at the rotated pictures: straight edges have become stairs, because each
# pixel is copied from its nearest neighbour.
#
# Now the last line. Black is the easiest colour there is: black in, black out. So *the same method
# on the same images* has a lower error when they are rotated. For the gray copy the effect is about
# the share of black pixels; for another method it may differ. **The training loss of model B is
# measured on such images, and cannot be compared** with a loss on whole pictures: not with model
# A's, not with a validation loss, not with the gray copy's score in the question.
#
# And it is not comparable for a second reason, which pulls the other way: it is a mean over the
# epoch *while* the weights change, so the worse weights of its beginning count too. Where the two
# reasons cancel, two curves look equal, and that is no sign that they may be compared. So in this
# course a model is judged on validation images, which are never rotated.

# %% [markdown]
# ## Step 3 · The training step, by hand
#
# A step looks at one batch and changes all weights a little. It has five parts:
#
# 1. `optimizer.zero_grad()`: forget the gradient of the step before;
# 2. *forward*: compute the prediction;
# 3. *loss*: one number that says how wrong it is;
# 4. `loss.backward()`: for every weight, how the loss would change if that weight grew;
# 5. `optimizer.step()`: move every weight a little, so that the loss falls.
#
# Why must something be forgotten? Run parts 2 to 4 twice on the same batch, without part 1.
#
# *Expect:* the model has not moved, so the second gradient should be equal to the first.

# %%
from course_lib.seeding import seed_everything

seed_everything(seed)
model = FCLatentAutoencoder(grant.channels)
optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
gray_batch, rgb_batch = training.gray_and_rgb(images[:20])  # (20, 1, 32, 32), (20, 3, 32, 32)
print("gradient of deconv3 before the first backward:", model.deconv3.weight.grad)
for number in (1, 2):
    loss = mse_loss(model(gray_batch), rgb_batch)
    loss.backward()
    print(f"its length after backward number {number}: {model.deconv3.weight.grad.norm():.5f}")
optimizer.step()
print(f"loss before the step {loss:.5f}, after it {mse_loss(model(gray_batch), rgb_batch):.5f}")

# %% [markdown]
# **What to see.** The second number is twice the first: `backward` *adds* to the gradient that is
# there. That is useful if a batch does not fit into memory and is fed in pieces. Otherwise it is a
# mistake that no error message tells you about: without `zero_grad` every step would go in the
# direction of the sum of all gradients so far.
#
# The last line shows that the step was one in the right direction: the loss is a little lower.
#
# Here is the whole step as a function, and the training. `training.fit` does what is around it:
# order of the images, rotation, gray, validation, keeping time. The step is yours.
#
# The quick profile trains a *narrow* model (a quarter of the channels) on the small sample, for 3
# epochs of 1,600 images (the first line of the question's cell). In the paper's batches of 100 that
# would be 48 steps, so it takes smaller batches and larger steps. The numbers in the comments are
# those of the five parts; parts 2 and 3 share a line.


# %%
def step(model, optimizer, gray, rgb):
    optimizer.zero_grad()  # 1
    loss = mse_loss(model(gray), rgb)  # 2, 3: (N, 3, 32, 32), (N, 3, 32, 32) -> one number
    loss.backward()  # 4
    optimizer.step()  # 5
    return loss


model = FCLatentAutoencoder(grant.channels).to(place)
batch_size, rate = (20, 1e-3) if profile == "quick" else (recipe.batch_size, recipe.learning_rate)
settings = dict(batch_size=batch_size, rotation=recipe.rotation, seed=seed, progress=False)
settings |= dict(num_epochs=grant.num_epochs or recipe.num_epochs)
settings |= dict(optimizer=torch.optim.Adam(model.parameters(), lr=rate))
record = training.fit(model, step, split.x_train, split.x_validation, **settings)

# %% [markdown]
# **What to see.** Nothing yet: `fit` has written down what happened, in `record`. It keeps the
# losses of every epoch, and what the model made of 16 validation images after it.
#
# *Expect:* what will a few seconds of training be enough for?

# %%
for epoch in record.history:
    line = "epoch {epoch}: training {train_loss:.5f} (rotated), validation {validation_loss:.5f}"
    print(line.format(**epoch))
last = record.num_epochs
rows = {"input": gray[:8]}
for number in sorted({1, (1 + last) // 2, last}):
    rows[f"epoch {number}"] = record.predictions[number - 1][:8]
rows["truth"] = validation[:8]
alt = "Eight validation photographs: gray, as the model colours them after more and more epochs, "
plots.show(plots.side_by_side(rows), alt=alt + "and in truth. The predictions are blurred.")

# %% [markdown]
# **What to see.** First a fog with hardly a shape; then light and dark begin to fall into place, as
# gray-brown blobs. That is what the MSE pays for first. In the list of the question, light and dark
# are worth what lies between the flat colour and the gray copy: about eight times as much as the
# colours, which lie between the gray copy and zero. Both need far more training than this.
#
# Look at the borders of the early predictions. They are dark, although the photographs have no dark
# frame. On rotated images the border is often black, and the model has learned *that it is* before
# it can see *where it is*. A model learns the augmentation too.
#
# The losses fall from epoch to epoch, on training *and* on validation images: the model learns.
#
# **To measure is not to train.** Two switches should be set before a model is evaluated.
#
# - *Without gradients*, `torch.no_grad()`. Otherwise PyTorch keeps every intermediate result, in
#   case you call `backward`. That costs memory and time, and changes no number.
# - *In evaluation mode*, `model.eval()`. Some layers behave differently in training: dropout throws
#   numbers away, batch normalisation uses the statistics of the batch. That does change numbers.
#
# And afterwards the mode is restored, or the rest of the training would run in evaluation mode. The
# five lines before the last `print` do all this. `training.predict` does the same, batch by batch.

# %%
prediction = model(gray_batch.to(place))  # (20, 3, 32, 32)
print("with gradients, it remembers how it was made:", prediction.grad_fn is not None)
dropout, ones = nn.Dropout(0.5), torch.ones(1000)
for training_mode in (True, False):
    dropout.train(training_mode)
    print(f"dropout, training={dropout.training}: {(dropout(ones) == 0).float().mean():.0%} zeros")
was_training = model.training
model.eval()
with torch.no_grad():
    prediction = model(gray_batch.to(place))
model.train(was_training)
print(f"without: {prediction.grad_fn is not None}. Training mode again: {model.training}")

# %% [markdown]
# **What to see.** With gradients, a prediction remembers how it was made; without, it does not.
# Dropout sets about half of the numbers to zero in training mode, and none in evaluation mode.
#
# The paper's code evaluates with gradients on, which costs memory and changes nothing. It also sets
# evaluation mode when it evaluates and never sets training mode again: after the first evaluation
# it trains in evaluation mode. Is that an error in its results? No: model B has neither dropout nor
# batch normalisation, so both modes do the same. It is a trap that waits for the day on which
# somebody adds a dropout layer, and wonders why it has no effect.

# %% [markdown]
# ## Step 4 · Weights in a file
#
# A trained model is worth keeping. The most common way is `torch.save` and `torch.load`, and it
# stores Python objects with *pickle*. A pickle is not data. It is a list of instructions for making
# objects, and "call this function" is one of them.
#
# *Expect:* somebody sends you weights. What can happen when you open the file?


# %% tags=["nbval-check-output"]
class Trap:
    def __reduce__(self):  # tells pickle what to call when the object is read
        return print, ("This was printed by the FILE. It could have been any command.",)


kept = tempfile.TemporaryDirectory()
folder = Path(kept.name)
torch.save({"conv1.weight": Trap()}, folder / "weights.pt")
torch.load(folder / "weights.pt", weights_only=False)
try:
    torch.load(folder / "weights.pt", weights_only=True)
except Exception as error:
    print("With weights_only=True it is refused:", type(error).__name__)

# %% [markdown]
# **What to see.** The file ran a function of its own choice on your machine, with your permissions.
# It printed a line; it could have deleted your thesis. With `weights_only=True`, which is the
# default since PyTorch 2.6, it is refused.
#
# So: never open a pickle that you did not write. This course keeps weights as **safetensors**, a
# format that holds names, shapes and numbers, and nothing that could run.
#
# Saving has a trap of its own. The paper's code saves into a folder that nobody has created: hours
# of training can end with an error in the last line, and be lost. We save with `files.replacing`,
# which makes the folder, and writes the file whole or not at all.

# %%
from safetensors.torch import load_file, save_file

from course_lib import files


def save(model, path):
    with files.replacing(path) as temporary:
        save_file({name: w.contiguous() for name, w in model.state_dict().items()}, temporary)


names = ("right", "absent", "damaged", "other")
right, absent, damaged, other = (folder / "models" / f"{name}.safetensors" for name in names)
save(model, right)
save(FCLatentAutoencoder((8, 16, 32)), other)

# %% [markdown]
# **What to see.** No error, although there was no folder `models`. (`contiguous` puts a tensor's
# numbers in plain order, as the format wants them; `fit` had sorted them for speed.)
#
# Loading has the worst trap. The paper's code loads inside a `try`, followed by a bare `except:`
# which means: whatever goes wrong, train again. We load four files: one that does not exist, one
# that was truncated, one with a model of different widths, and the right one.
#
# *Expect:* one success, and three different reasons for failing.

# %% tags=["nbval-check-output"]
damaged.write_bytes(right.read_bytes()[:1000])  # truncated
copy = FCLatentAutoencoder(grant.channels)
for path in (absent, damaged, other, right):
    try:
        copy.load_state_dict(load_file(path))
        print(f"{path.stem:8} loaded")
    except Exception as error:
        print(f"{path.stem:8} {type(error).__name__}")
pairs = zip(copy.parameters(), model.parameters(), strict=True)
print("every weight the same, bit for bit:", all(torch.equal(a, b.cpu()) for a, b in pairs))

# %% [markdown]
# **What to see.** Three problems with three different cures. *Absent*: train. *Damaged*: fetch it
# again. *Other*: you built the wrong model, so fix your code. A bare `except:` makes them one, and
# cures all three by training for hours, silently. It would even swallow your Ctrl-C. **Catch the
# one error that you have an answer to, here `FileNotFoundError`, and let all others through.**

# %% [markdown]
# ## Step 5 · The published model
#
# A trained model B at full width ships with the course, with the record of its training: the
# paper's recipe at full length, 20 epochs.
#
# Here is its loss: figure 9 of the paper. The paper shows the training loss alone (dashed). We add
# the validation loss (solid) and the gray copy on the same validation images (dotted). An epoch is
# 45,000 images. With the curves comes a slider, which shows what the model predicted after each
# epoch.
#
# *Expect:* the curves should fall. Where is the dotted line? And which curve is the lower one at
# first: dashed, for its easy black corners, or solid, for its better weights?
#
# *Try:* go from the first epoch to the last, and watch one picture. What does B learn in the first
# half? Then go back and forth over the second half. Can you tell by eye which way is forward?

# %% tags=["widget"]
from course_lib import metrics, published, statistics, widgets

run = published.load("fc_latent")
print("the weights below are those of epoch", run.manifest["weights_epoch"], "of", len(run.history))
widgets.scrub_training(run)

# %% [markdown]
# **What to see.** Both curves fall steeply at first and then ever more slowly. Read three things
# off the picture. *Has it finished?* If the right end still falls, more training would help. *Does
# it beat the baseline?* Compare the solid line with the dotted one. *Does it learn by heart?* Then
# the solid line would level off or rise, while the loss on its own training images keeps falling.
# (The dashed line is no evidence for that, see below; the line `train` in the Results is.)
#
# In the pictures, light and dark areas come first. Edges come late or not at all. Take two epochs
# of the second half, some way apart: can you tell the earlier picture from the later one without
# the numbers? (On a page that cannot run code you see the curves, and eight of the pictures at the
# beginning, in the middle and at the end.)
#
# Do not compare the dashed curve with the solid one. Where it starts above the solid one, the mean
# over changing weights outweighs the black corners; later the loss changes little within an epoch,
# and the two curves come together. The two reasons of step 2 still apply, and work against each
# other. So equal curves do not say that the model does as well on new images as on its own. (The
# results below measure that: on training images that are not rotated.)
#
# Now the pictures, in the paper's way: the first 100 test images. This is figure 3. Our own class
# takes the published weights, for its layers have the right names.
#
# *Expect:* each picture went through 256 numbers. What will be missing?

# %%
full_model = run.load_into(FCLatentAutoencoder())
weights = getattr(grayscale, recipe.gray_weights)  # B was trained on torchvision's gray
first_gray = grayscale.to_gray(data.as_float(cifar.x_test[:100]), weights)  # (100, 32, 32)
predicted = published.predict(full_model, first_gray)  # (100, 32, 32, 3)
panels = []
for picture in (baselines.gray_copy(first_gray), predicted):
    rows_of_ten = picture.reshape(10, 10, 32, 32, 3).swapaxes(1, 2)  # (10, 32, 10, 32, 3)
    panels.append(rows_of_ten.reshape(320, 320, 3))
figure = plots.image_grid(np.stack(panels), ["input", f"output of {run.label}"], 2, zoom=2)
plots.show(figure, alt="The first 100 test images in gray, and as model B colours them, blurred.")

# %% [markdown]
# **What to see.** The output is blurred: find a picture with fine lines in the input, and look for
# them in the output. What colour there is fills large areas, such as sky or earth, and it is pale.
# Lesson 01 predicted pale colours, and lesson 02 showed the blur in model A: the sharp gray picture
# was *given*, and the model could not pass it on.
#
# **Are 256 numbers too few?** It is tempting to think so, but it can be tested. We rebuild the
# *gray* picture from 256 numbers in two ways that need no network, and leave it gray.
#
# - *Thumbnail*: shrink it to 16 × 16 pixels and enlarge it again.
# - *Linear code*: the 256 patterns of lesson 02, whose weighted sums come closest to the training
#   images (principal component analysis). The weights of the sum are the code.
#
# Beside them we put what is left of the gray in model B's pictures. The cell computes the 256
# patterns, which takes some seconds.
#
# *Expect:* a network with millions of parameters should beat both. Should it?

# %%
flat = grayscale.to_gray(train).reshape(len(train), -1)  # (N, 1024)
mean = flat.mean(axis=0)
# SVD sorts the directions in which the training images differ, the strongest first: keep 256.
patterns = np.linalg.svd(flat - mean, full_matrices=False)[2][:256]  # (256, 1024)
code = (gray.reshape(-1, 1024) - mean) @ patterns.T  # (M, 256): 256 numbers per picture
linear = (mean + code @ patterns).clip(0, 1).reshape(gray.shape)
small = gray.reshape(-1, 16, 2, 16, 2).mean(axis=(2, 4))  # (M, 16, 16): 256 numbers as well
large = upsample(torch.from_numpy(small)[:, None])[:, 0].numpy()  # (M, 32, 32)
pictures |= {"thumbnail": baselines.gray_copy(large), "linear code": baselines.gray_copy(linear)}
by_b = published.predict(full_model, grayscale.to_gray(validation, weights))  # (M, 32, 32, 3)
rows = {"input": gray[:8], "thumbnail": large[:8], "linear code": linear[:8]}
alt = "Eight gray pictures, and what 256 numbers keep of them: thumbnail, linear code and model B."
plots.show(plots.side_by_side(rows | {"gray of B": grayscale.to_gray(by_b[:8])}), alt=alt)

# %% [markdown]
# **What to see.** Three rows, each made of 256 numbers per picture. The thumbnail is soft; the
# linear code keeps more edges and adds some grain. How does B's row compare with them?
#
# Now in numbers. The luma part of the error says what was lost of the given picture. Not all of
# that loss is in the luma part, though: an equal error in all three channels is 75 % luma and 25 %
# chroma, because the BT.601 weights are not equal. Part of a wrong gray reappears as chroma. To
# compare *colours*, give each picture the right gray first: add what its gray lacks, the same to
# all three channels. Then the luma part is zero, and what is left is in the last column.
#
# For the two gray pictures you could nearly do it in your head: subtract a third of the luma part
# from the chroma part. For B the third is only an estimate: its error is not equal in all channels.
# So the last column is computed.
#
# *Expect:* which lines will share their last number? And is B's below that of the gray-level table?

# %%
text = "MSE {mse:.5f} = luma {mse_luma:.5f} + chroma {mse_chroma:.5f}"


def with_right_gray(picture):  # (M, 32, 32, 3); the photographs' gray, by one shift per pixel
    return picture + (gray - grayscale.to_gray(picture))[..., None]


errors = {}
print(f"{'right gray':>88}")
for name, picture in (pictures | {run.label: by_b}).items():
    errors[name] = np.mean((with_right_gray(picture) - validation) ** 2, axis=(1, 2, 3))  # (M,)
    print(f"{name:35}", text.format(**metrics.evaluate(picture, validation)), end="")
    print(f"{errors[name].mean():9.5f}")
for baseline in ("mean colour", "gray-level table"):
    gain = statistics.paired_difference(errors[baseline], errors[run.label], seed=seed)
    print("{} minus B, right gray: {:.5f} ({:.5f} to {:.5f})".format(baseline, *gain))

# %% [markdown]
# **What to see.** First the luma parts of the last three lines. Both codes that need no network
# keep the gray picture rather well, with the same 256 numbers. Ask: *is model B's luma part larger
# than that of the linear code?* If it is, then 256 numbers are **not** too few for what B shows:
# patterns found without any training by gradient descent put more of the picture into them. (An
# autoencoder without nonlinear parts, trained to convergence, keeps exactly what these patterns
# keep, in mixtures of them: Baldi and Hornik, 1989.) The limit is then the training, or the layers
# around the code, or what is left of the 256 numbers: the next cell counts them.
#
# Then the last column. The thumbnail and the linear code have larger chroma parts than the gray
# copy, though all three are gray: that is the part of the wrong gray that reappears. With the right
# gray they *are* the gray copy, and score as it does. The flat colour with the right gray is a gray
# copy with one tint all over. Even that beats the gray copy, because photographs are not gray on
# average. So B has two baselines here: one tint for all pictures, and one colour for each gray
# level.
#
# The last two lines compare B with both, image by image, with a 95 % interval. Above zero, B has
# the better colours; where the interval reaches zero, these images cannot decide. B's chroma part
# alone would not show it, since some of it is wrong gray.
#
# One thing about the 256 numbers can be counted. They come out of a `relu`, which makes 0 of
# everything below zero. A number that is 0 for one picture says something about that picture. A
# number that is 0 for *all* of them says nothing. It is called *dead*: no gradient passes a `relu`
# there, so training hardly ever revives it.
#
# *Expect:* how many of the 256 are in use?

# %%
given = torch.from_numpy(grayscale.to_gray(validation, weights)[:, None])  # (M, 1, 32, 32)
with torch.no_grad():
    codes = torch.cat([full_model.encode(batch) for batch in given.split(250)])  # (M, 256)
dead, width = int((codes == 0).all(dim=0).sum()), codes.shape[1]
print(f"0 for every one of {len(codes)} validation images: {dead} of {width} numbers")
print(f"not 0, in the mean over the images: {(codes > 0).sum(dim=1).float().mean():.1f} numbers")

# %% [markdown]
# **What to see.** If the first line says 0, all numbers are in use. If it says more, this B has a
# smaller latent than its layers promise: 256 minus the dead ones. Then the comparison above was not
# a fair one, for the linear code uses all of its 256. What 256 numbers hold in a network like B has
# then not been shown, and no table of layers tells you so. Compare the second line with the count
# of living numbers. If they are nearly equal, the `relu` removes hardly anything from *those*: what
# is missing is the dead ones.
#
# *Try:* make it fair. In the cell of the linear code replace the 256 in `[:256]` by the count of
# living numbers, and run the cells up to the table of errors. On which side of B's luma part is the
# linear code now? (Put the 256 back afterwards.)
#
# A bottleneck says how much a model *can* hold. It does not say how much it *does*.
#
# **And what does a place in the latent mean?** Let us walk. Every row of 256 numbers can be
# decoded, even rows that no photograph gave. No slider here moves one number alone: a walk changes
# many of them together. A walk *between two images* goes from the numbers of one in a straight line
# to those of the other; beside it is the plain fade, in which the two outputs are mixed pixel by
# pixel. A walk *along a principal direction* starts at one image and goes where the numbers of the
# 100 test images differ most, up to three standard deviations (sd) to either side. It is the idea
# of the linear code, applied to latents.
#
# *Expect:* will the halfway point be a new layout of light and dark, or both layouts at once, one
# through the other, as in the fade?
#
# *Try:* move the position from 0 to 100 % for a few pairs, and compare with the fade. Then choose
# the walk along a direction: what do the first and the second do to any image you start from?

# %% tags=["widget"]
widgets.walk_latent(full_model, first_gray)

# %% [markdown]
# **What to see.** Between two images compare walk and fade. The line below the pictures says how
# far apart they are, and beside it is the yardstick: how far the two ends of the walk are from each
# other. If the first is a small part of the second, the walk is little more than a fade, and
# halfway there is half of each layout. If it is a large part, the decoder makes something of its
# own on the way. Whether a cat turns into a ship cannot be judged here: B's pictures are too soft
# to show *things*.
#
# A direction is a mixture of many numbers. Along the first ones the brightness of the whole picture
# changes, or that of one half relative to the other. None of them stands for "fur" or "water". Far
# out, the second line says how many numbers have left the range that any of the 100 images gave:
# there the decoder responds to something that it has never seen, and you see what it makes up. (On
# a page that cannot run code there are no such lines: you see five steps each of the walk from test
# image 0 to test image 1, of its fade, and of the first direction from image 0.)

# %% [markdown]
# ## Exercises
#
# Each exercise is one function. Write its body, run the cell, then run the check below it. Nothing
# later depends on your answers.
#
# ### Exercise 1 · Larger pictures (one or two lines)
#
# How many parameters do `fc1` and `fc2` have together if the pictures are `size` × `size` pixels?
# `conv3` has 256 channels, and the picture is halved twice before it reaches `fc1`. Do not forget
# the biases. When your answer passes, try it for a photograph of 512 × 512 pixels.


# %% tags=["exercise"]
def fc_parameters(size, latent_dim):
    """Parameters of fc1 and fc2 together, for square images; `size` is a multiple of 4."""
    ### BEGIN SOLUTION
    num_features = 256 * (size // 4) ** 2
    return (num_features + 1) * latent_dim + (latent_dim + 1) * num_features
    ### END SOLUTION


# %% tags=["check"]
checks.check("03.fc_parameters", fc_parameters)

# %% [markdown]
# ### Exercise 2 · A loss without corners (one or two lines)
#
# Make the loss of rotated pictures comparable: return the mean squared error over the pixels that
# are *inside* the photograph, all three channels, every such pixel counting the same. All three
# arguments are NumPy arrays, so PyTorch's `mse_loss` does not take them. `inside` says where the
# corners are: do not guess them from black, for a photograph has black pixels too. It has no axis
# for the channels. It can select pixels of an image all the same: `target[inside]` is `(P, 3)`.


# %% tags=["exercise"]
def inside_loss(prediction, target, inside):
    """MSE where `inside` is True. NumPy arrays (N, H, W, 3), (N, H, W, 3) and bool (N, H, W)."""
    ### BEGIN SOLUTION
    return np.mean((prediction[inside] - target[inside]) ** 2)  # each (P, 3)
    ### END SOLUTION


# %% tags=["check"]
checks.check("03.inside_loss", inside_loss)

# %% [markdown]
# ### Exercise 3 · Train by hand (six lines)
#
# Now without an optimizer. The model is as small as can be: its prediction is `x @ weight`. Start
# from `weight`, take `num_steps` steps of plain gradient descent on the mean squared error over all
# of `x` and `y`, and return the weight you end with. A step goes against the gradient, by
# `learning_rate` times the gradient. You may let PyTorch find the gradient, or do it yourself.
# (`torch.tensor(weight, requires_grad=True)` makes a copy that gathers gradients; `x` and `y` have
# to become tensors, too. Change the weight inside `with torch.no_grad():`, and in place, with `-=`:
# `weight = weight - ...` makes a new tensor, which gathers none. To forget a gradient, write
# `weight.grad = None`. `weight.grad.zero_()` works too, but only once there is a gradient.)


# %% tags=["exercise"]
def descend(weight, x, y, learning_rate, num_steps):
    """Weight (D,), x (N, D), y (N,), float64 -> the weight (D,) after `num_steps` steps."""
    ### BEGIN SOLUTION
    weight = torch.tensor(weight, requires_grad=True)
    x, y = torch.tensor(x), torch.tensor(y)
    for _ in range(num_steps):
        weight.grad = None
        loss = torch.mean((x @ weight - y) ** 2)
        loss.backward()
        with torch.no_grad():
            weight -= learning_rate * weight.grad
    return weight
    ### END SOLUTION


# %% tags=["check"]
checks.check("03.descend", descend)

# %% [markdown]
# ### Exercise 4 · Design to a budget (open)
#
# The next lesson's model has 1,330,307 parameters, a seventh of model B's. Design a model B that is
# no larger: choose `c1`, `c2`, `c3` and `latent_dim` so that the whole model has at most `budget`
# parameters and uses at least 80 % of them, with a latent of 256 to 1023 numbers: fewer than the
# picture has. The check asks for this budget and for others. There are many right answers, and any
# way to find one will do. Return the four whole numbers side by side: `return c1, c2, c3,
# latent_dim`.
#
# Then say, for yourself or for your group: what did you have to give up, and where will the
# pictures show it?


# %% tags=["exercise"]
def design(budget):
    """c1, c2, c3, latent_dim of a model B with at most `budget` parameters."""
    ### BEGIN SOLUTION
    # Give up channels of conv3, until the model fits.
    for c3 in range(256, 0, -1):
        with torch.device("meta"):  # shapes alone: no weights are drawn
            model = FCLatentAutoencoder(channels=(64, 64, c3), latent_dim=256)
        if sum(p.numel() for p in model.parameters()) <= budget:
            return 64, 64, c3, 256
    ### END SOLUTION


# %% tags=["check"]
checks.check("03.design", design)

# %% [markdown]
# ### Exercise 5 · In your own words
#
# A fellow student writes: *"Model B's training loss hardly gets below 0.01, so 256 numbers are too
# few to hold a picture."* Answer in five to eight sentences.
#
# | points | for |
# |---|---|
# | 1 | saying why this training loss must not be compared with a loss on whole pictures |
# | 1 | using luma and chroma: which part could a narrow latent be blamed for, and which not? |
# | 1 | using a line of the table of step 5 that has 256 numbers and no network |
# | 1 | naming one experiment that changes one thing, and what each outcome would mean |

# %% [markdown] tags=["written"] points=4
# *Your answer here.*

# %% [markdown]
# ## Results
#
# Last, the test set: all 10,000 images, measured once with the published weights, one seed. The
# table is read from the record of the run. Its line `train` is of 5,000 training images, *not
# rotated*, measured after the training and in evaluation mode: unlike a training loss, it may be
# compared with the lines below it. `validation` is all 5,000 validation images; step 5 had those of
# your profile, so its numbers differ a little.
#
# The last comparison is image by image against the gray copy, with a 95 % interval over the test
# images of your profile.

# %% tags=["results", "nbval-check-output", "key-number"]
for where in ("train", "validation", "test", "gray_copy_test", "gray_level_table_test"):
    print(f"{where:22}", text.format(**run.metrics[where]))
test = data.as_float(cifar.x_test)
gray_copy = baselines.gray_copy(grayscale.to_gray(test))
copy_mse = np.mean((gray_copy - test) ** 2, axis=(1, 2, 3))  # (N,)
model_mse = run.per_image("mse")[cifar.test_indices]  # (N,)
gain = statistics.paired_difference(copy_mse, model_mse, seed=seed)
print("MSE of the gray copy minus that of B: {:.5f} ({:.5f} to {:.5f})".format(*gain))
print(f"B has the lower error on {np.mean(model_mse < copy_mse):.0%} of {len(test)} images")
score = run.metrics["test"]["mse"]
print("test MSE in the band 0.006 to 0.025:", 0.006 < score < 0.025)
print(f"test MSE of {run.label}, seed {run.manifest['seed']}: {score:.5f}")

# %% [markdown]
# **What to see.** Three questions to the table, in this order. Is the test line close to the train
# line? Then what was learned holds for new images too. Is the test line above or below the gray
# copy? A negative difference means that doing nothing would have been better. And which part is to
# blame? The gray copy's luma part is zero, B's is not: it lost what it was given. Do not compare
# its chroma part with that of the gray-level table: some of it is wrong gray. The last column of
# step 5 is the fair comparison of colours.
#
# If `in the band` says `False`, something in the data, the gray or the weights is not what it
# should be. One seed says nothing about another: lesson 06 comes back to that.

# %% [markdown]
# ## What we have seen
#
# - A model is a class: `__init__` owns the layers, `forward` is the way through them.
# - A convolution uses few weights at every place; a fully connected layer has one for each pair of
#   input and output. In model B two such layers hold more than nine tenths of all parameters.
# - A training step has five parts. `backward` adds to the gradient, so the gradient has to be
#   cleared.
# - Evaluate without gradients and in evaluation mode, and restore the mode.
# - Rotation adds easy black corners. A training loss on rotated images is not comparable.
# - Weights are data: keep them in a format that cannot run, write them whole or not at all, and
#   catch only the error that you have an answer to.
# - A latent of 256 numbers is a limit. Whether a model reaches it has to be measured: a linear code
#   with as many numbers needs no training. Numbers that are 0 for every image hold nothing.
#
# **Next:** lesson 04 removes the bottleneck.

# %% [markdown]
# ## Further reading
#
# - Durant, Kotta and Mazer (2023). *Converting Grayscale Images to RGB Images Using Various
#   Autoencoder Architectures.* 6 December 2023. Its model B, figures 3, 8 and 9.
# - Hinton, G. E., and Salakhutdinov, R. R. (2006). Reducing the Dimensionality of Data with Neural
#   Networks. *Science* 313(5786), pages 504 to 507. doi:10.1126/science.1127647. An autoencoder
#   against the linear code.
# - Baldi, P., and Hornik, K. (1989). Neural Networks and Principal Component Analysis: Learning
#   from Examples Without Local Minima. *Neural Networks* 2(1), pages 53 to 58.
#   doi:10.1016/0893-6080(89)90014-2. What a linear autoencoder learns.
# - Kingma, D. P., and Ba, J. (2015). Adam: A Method for Stochastic Optimization. *International
#   Conference on Learning Representations.* arXiv:1412.6980. What `optimizer.step()` does.
# - Paszke, A., and others (2019). PyTorch: An Imperative Style, High-Performance Deep Learning
#   Library. In *Advances in Neural Information Processing Systems 32.* arXiv:1912.01703.
# - Hugging Face. *Safetensors*, documentation. https://huggingface.co/docs/safetensors. The format,
#   and why not pickle.
