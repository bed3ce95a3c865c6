# %% [markdown]
# # 02 · The three-layer model in Keras
#
# **About 90 minutes, half of them for the exercises; the written question may take ten more.**
# Narrow models are trained in seconds; the full one comes with its weights.
#
# At the end of this lesson you will be able to
#
# - build a convolutional autoencoder in Keras layer by layer, and say the shape and the number of
#   weights of each layer before Keras does;
# - train it with `model.fit`, a learning-rate schedule and a checkpoint, and name one trap in
#   each;
# - say what a picture loses that has to pass through 256 numbers, and find the loss in a score;
# - explain why a test set that chooses an epoch is no longer a test set, and measure what that is
#   worth.
#
# You need lesson 01: gray copy, gray-level table, luma and chroma parts. You should have seen a
# convolution before; Keras is explained on the way. An *activation* is what a layer does to each of
# its numbers at the end; the one used here, `relu`, sets what is negative to zero.

# %% tags=["parameters"]
profile = "quick"
seed = 0
device = "auto"

# %% [markdown]
# ## The question
#
# The paper (Durant, Kotta and Mazer, 2023) begins with this model. Three convolutions shrink a gray
# picture, a dense layer reduces it to 256 numbers, and the way back leads from these numbers to a
# picture in colour. The paper calls it its best model, by its training loss. We ask:
#
# **Does it colour photographs better than somebody who does nothing? And how would we know?**
#
# Two ways to colour without seeing have to be beaten: the gray copy and the gray-level table of
# lesson 01. The function `report` is used in the whole lesson. It splits the mean squared error
# (MSE) into a luma and a chroma part.
#
# (Keras expects a channel axis even where there is only one channel, so gray pictures have the
# shape (N, 32, 32, 1) here. `seed` fixes the initial weights, the order of the images and some
# draws. Keras uses a GPU by itself if there is one, so `device` has no effect.)

# %% tags=["needed"]
import numpy as np

from course_lib import baselines, checks, data, grayscale, metrics, plots, profiles, seeding

# %% [markdown]
# Keras is not imported yet. Now the data, and the two scores to beat.

# %% tags=["nbval-check-output"]
cifar = data.load_cifar10(profiles.get(profile).data)
split = data.split(cifar)
train, validation = data.as_float(split.x_train), data.as_float(split.x_validation)
gray_train, gray_validation = (grayscale.to_gray(x, keepdims=True) for x in (train, validation))


def report(name, prediction, target):
    parts = "MSE {mse:.5f} = luma {mse_luma:.5f} + chroma {mse_chroma:.5f}"
    print(f"{name:26}", parts.format(**metrics.evaluate(prediction, target)))


report("gray copy", baselines.gray_copy(gray_validation), validation)
report("gray-level table", baselines.gray_level_table(gray_validation), validation)

# %% [markdown]
# **What to see.** Both baselines keep the gray they were given, so their luma part is zero or
# nearly so, and all of their error is colour. (The table is that of all 45,000 training images of
# the course.) Each number is rounded separately, here and below, so a sum may be off by one in its
# last digit.
#
# An **autoencoder** is a network that has to pass its input through a narrow layer, a *bottleneck*.
# The half before it is the *encoder*, the half after it the *decoder*, and what passes is the
# *code* or *latent vector*. Usually input and target are the same. Here the input is gray and the
# target in colour, so the network has two jobs: carry the picture through, and add what was not
# there.

# %% [markdown]
# ## Step 1 · The encoder and the decoder
#
# A Keras layer is a function with weights. We call the first one on an input that says only its
# shape, the next one on the result, and so on; `keras.Model` collects everything between an input
# and an output.
#
# All three convolutions look at 3 × 3 pixels and move by two (`strides=2`), so each halves height
# and width. `padding="same"` adds zeros at the edge, so that 32 becomes exactly 16, then 8 and 4.
#
# *Before you read the comments:* which shapes do you expect? (Loading Keras takes some seconds.)

# %%
from course_lib.models_keras import build_three_layer_autoencoder, keras, layers

strided = {"kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"}

gray = keras.Input((32, 32, 1), name="encoder_input")  # (N, 32, 32, 1)
x = layers.Conv2D(64, **strided, name="conv1")(gray)  # (N, 16, 16, 64)
x = layers.Conv2D(128, **strided, name="conv2")(x)  # (N, 8, 8, 128)
x = layers.Conv2D(256, **strided, name="conv3")(x)  # (N, 4, 4, 256)
x = layers.Flatten(name="flatten")(x)  # (N, 4096)
latent = layers.Dense(256, name="latent_vector")(x)  # (N, 256), no activation
encoder = keras.Model(gray, latent, name="encoder")

# %% [markdown]
# **What to see.** Nothing was computed yet, but all weights exist. Each halving of the sides
# doubles the channels. The sides shrink in two directions and the channels grow in one, so after
# the first layer, which makes 16,384 numbers out of 1,024, every layer has half as many as the one
# before: 8,192, then 4,096, and then in one step 256. The dense layer has no activation. A latent
# number may have any sign and size.
#
# The way back mirrors the way in, with *transposed* convolutions. Think of a stamp of 3 × 3 pixels:
# for every input pixel it is pressed on a canvas of twice the size, as strongly as the pixel says,
# each time two pixels further. What overlaps adds up. Stamps of width 3 at a distance of 2 overlap
# unevenly: a pixel of the canvas is reached by one of them, by two or by four. The network has to
# learn weights that level this out. Where it does not quite succeed, fine grids remain in its
# pictures (Odena, Dumoulin and Olah, 2016). Look for them below.
#
# The last layer has three channels for red, green and blue, and a *sigmoid*, which maps every
# number into (0, 1).

# %%
code = keras.Input((256,), name="decoder_input")  # (N, 256)
x = layers.Dense(4 * 4 * 256, name="dense")(code)  # (N, 4096), no activation
x = layers.Reshape((4, 4, 256), name="reshape")(x)  # (N, 4, 4, 256)
x = layers.Conv2DTranspose(256, **strided, name="deconv1")(x)  # (N, 8, 8, 256)
x = layers.Conv2DTranspose(128, **strided, name="deconv2")(x)  # (N, 16, 16, 128)
x = layers.Conv2DTranspose(64, **strided, name="deconv3")(x)  # (N, 32, 32, 64)
rgb = layers.Conv2DTranspose(
    3, kernel_size=3, padding="same", activation="sigmoid", name="decoder_output"
)(x)  # (N, 32, 32, 3)
decoder = keras.Model(code, rgb, name="decoder")

# %% [markdown]
# **What to see.** The sizes go up as they went down. Note that the decoder sees *nothing but the
# 256 numbers*. The gray picture itself is gone; what the code does not hold, no decoder can bring
# back.
#
# Here are the paper's tables of both halves (its figure 5), made from our model. Then we join the
# halves. `course_lib` has the same model as `build_three_layer_autoencoder`; we give it our
# weights and let both colour the same pictures.
#
# *Before you look:* which layer of the encoder has the most weights?

# %% tags=["nbval-check-output"]
for half in (encoder, decoder):
    for layer in half.layers[1:]:  # the first one is the input
        shape = " x ".join(map(str, layer.output.shape[1:]))
        print(f"{layer.name:14} {shape:12} {layer.count_params():>9,}")
    megabytes = 4 * half.count_params() / 2**20  # four bytes for a float32
    print(f"{half.name:14} {'in all':12} {half.count_params():>9,} or {megabytes:.2f} MB\n")
autoencoder = keras.Model(gray, decoder(encoder(gray)), name="autoencoder")
library = build_three_layer_autoencoder()
library.set_weights(autoencoder.get_weights())
pictures = [model.predict(gray_validation[:8], verbose=0) for model in (autoencoder, library)]
print("output", pictures[0].shape, "same as the library's:", np.allclose(*pictures, atol=1e-6))

# %% [markdown]
# **What to see.** The columns are layer, output shape and parameters, and the numbers are those
# that the paper prints. Most weights of the encoder are not in the convolutions: the dense layer
# connects each of 4,096 numbers to each of 256. A convolution uses the same few weights at every
# place, so its count does not depend on the size of the picture. Exercise 1 counts them by hand.
#
# The last line says `True`: what you read above is the model, and there is nothing else in the
# library's. From here on we use the library's, because it can be built narrow as well.

# %% [markdown]
# ## Step 2 · What 256 numbers must hold
#
# A gray picture of 32 by 32 pixels is 1,024 numbers. The code is a quarter of that, and it has to
# encode where every edge runs. Is a quarter a lot or a little?
#
# One method gives an answer before we train anything: **principal component analysis** (PCA). It
# finds the *k* patterns from which, added up in the right amounts, pictures can be rebuilt with the
# smallest squared error. For the pictures it was fitted to, it is the best *linear* autoencoder
# with *k* latent numbers, and it needs no gradient descent. The patterns are the eigenvectors of
# the covariance of the pixels with the largest eigenvalues.
#
# We squeeze gray validation pictures through *k* numbers and look. The MSE of its gray values is
# under each picture.
#
# *Expect:* neighbouring pixels are alike, so surely most of the 1,024 numbers can be spared?

# %%
pixels = gray_train.reshape(-1, 1024).astype(float)  # (N, 1024)
mean = pixels.mean(axis=0)
patterns = np.linalg.eigh(np.cov(pixels.T))[1][:, ::-1]  # (1024, 1024), largest eigenvalue first


def squeeze(gray, k):  # (N, 32, 32, 1) -> (N, 32, 32, 1), by way of (N, k)
    code = (gray.reshape(-1, 1024) - mean) @ patterns[:, :k]
    return (code @ patterns[:, :k].T + mean).reshape(gray.shape).clip(0, 1)


some = gray_validation[:8]
rows = {"gray": some} | {f"{k} numbers": squeeze(some, k) for k in (256, 64, 16)}
numbers = {name: np.mean((rows[name] - some) ** 2, axis=(1, 2, 3)) for name in list(rows)[1:]}
figure = plots.side_by_side(rows, numbers)
plots.show(figure, alt="Eight gray photographs through 256, 64 and 16 numbers: ever softer.")

# %% [markdown]
# **What to see.** With 256 numbers you recognise every picture, but fine lines are gone and some
# grain has appeared. With 64 they are blurred, with 16 only light and dark are left. What goes
# first is fine detail: it is small in squared error, and many numbers are needed for it.
#
# The same idea gives a score. Keep 256 numbers of each picture, colour what is left with the
# gray-level table, and you have a complete colouring method that was never trained by gradient
# descent. **This is a third baseline:** what a linear code of the same length scores with colours
# from a table. A deep network can do better, because its code need not be linear. Step 4 shows
# whether it does.
#
# In the quick profile this baseline is too easy to beat. The patterns were fitted to the few
# training images of the sample, the model of step 4 to 45,000. Patterns fit their own images better
# than new ones, and step 4 prints by how much. With `profile = "full"` both see the same images.

# %% [markdown]
# ## Step 3 · compile and fit
#
# To see learning happen we train the model ourselves, in the quick profile a narrow one: a quarter
# of the channels, few images, few epochs. With `profile = "full"` the same cells train the
# paper's.
#
# `compile` says what to minimise and how: the MSE, with Adam. A **callback** is an object whose
# methods Keras calls at the end of every epoch. The paper uses two, and here they are with its
# settings:
#
# - `ReduceLROnPlateau` multiplies the learning rate by √0.1 when the validation loss has not
#   improved for 5 epochs;
# - `ModelCheckpoint` saves the weights whenever the validation loss is the lowest so far.
#
# Adam (Kingma and Ba, 2015) is gradient descent in which each weight has its own step: smaller
# where its gradients have been large so far.

# %%
import tempfile
from pathlib import Path

seeding.seed_everything(seed)
narrow = build_three_layer_autoencoder(channels=profiles.get(profile).channels)
narrow.compile(optimizer=keras.optimizers.Adam(learning_rate=1e-3), loss="mse")
plateau = keras.callbacks.ReduceLROnPlateau(
    monitor="val_loss", factor=0.1**0.5, patience=5, cooldown=0, min_lr=0.5e-6
)
best_weights = Path(tempfile.mkdtemp()) / "best.weights.h5"
checkpoint = keras.callbacks.ModelCheckpoint(
    best_weights, monitor="val_loss", save_best_only=True, save_weights_only=True
)

# %% [markdown]
# **What to see.** No output: nothing has run. Now `fit`. Input first, target second: the gray
# picture, and the same picture in colour. What we pass as `validation_data` is never trained on,
# but the two callbacks look at it. Remember this sentence for step 6.
#
# *Expect:* both losses fall, and the training loss should be the lower one of the two.

# %%
history = narrow.fit(
    gray_train,
    train,
    batch_size=32,
    epochs=profiles.get(profile).num_epochs or 30,
    validation_data=(gray_validation, validation),
    callbacks=[plateau, checkpoint],
    verbose=2,  # one line per epoch
)

# %% [markdown]
# **What to see.** Each epoch prints the training loss, the validation loss and the rate. Both
# losses fall. In the first epochs the *validation* loss is the lower one, which looks like magic
# and is only bookkeeping: Keras averages the training loss over the epoch while the network is
# still getting better, and measures validation afterwards, with the finished weights. In a long run
# the order is reversed; three epochs are too few for it, and step 4 shows such a curve. The rate
# does not change, for the same reason: a patience of 5 epochs is longer than the whole run.
#
# Now the **first trap**. `ModelCheckpoint` has written a file. Which weights does the model hold
# after `fit`: those of the last epoch, or the best? In so short a run the last epoch often *is* the
# best, and nobody would notice. So we cause an accident on purpose: one more epoch, with ten times
# the rate. The checkpoint is still watching.
#
# *Expect:* `save_best_only=True` protects us. Or does it?

# %%
watched = (gray_validation, validation)
narrow.optimizer.learning_rate = 1e-2
accident = narrow.fit(gray_train, train, validation_data=watched, callbacks=[checkpoint], verbose=0)
losses = history.history["val_loss"] + accident.history["val_loss"]
print(f"last epoch {losses[-1]:.5f}, best epoch {min(losses):.5f}")
print(f"in the model:  {narrow.evaluate(*watched, verbose=0):.5f}")
narrow.load_weights(best_weights)
print(f"after loading: {narrow.evaluate(*watched, verbose=0):.5f}")
rows = {"gray": gray_validation[:8], "output": narrow.predict(gray_validation[:8], verbose=0)}
alt = "Eight validation photographs: in gray, as the best weights give them (blurred), in truth."
plots.show(plots.side_by_side(rows | {"truth": validation[:8]}), alt=alt)

# %% [markdown]
# **What to see.** Before loading, the model holds the weights of the *last* epoch, accident and
# all. Saving the best does not bring it back; `load_weights` does, and without that line we would
# have continued with a ruined model. In step 6 you see that this can happen without an accident.
# The paper's code saves checkpoints and never loads them, so its pictures show the last epoch.
#
# In the quick profile, the pictures show light and dark roughly, and hardly any colour. That is the
# usual order: brightness first, then shapes, colour last, for brightness is where most of the error
# is. Do you find the grids of step 1?
#
# The course's published runs were trained with `training.fit_keras`. It calls the same `model.fit`,
# and also writes down what happened, keeps the best weights and resumes after an interruption.

# %% [markdown]
# ## Step 4 · The model at full width
#
# Nobody should wait for an hour in a lesson, so the full model comes already trained. A *published
# run* is a folder with weights, history and a manifest that says how it was made.
#
# The paper trains this model twice: **A1** with the schedule, **A2** with a constant rate. We take
# A1, at full length: 30 epochs, an hour on one core of a processor. In this lesson we call it
# **A**. (The command says `bfloat16`: the factors of every product, and what a layer passes on to
# the next, were rounded to 8 binary digits, which some processors multiply much faster. The weights
# are kept in float32, and the scores are computed in it.)
#
# Its loss over time is the paper's figure 6. The run follows our own protocol: it is trained on
# 45,000 images, 5,000 others are the validation set, and no test image has been seen.
#
# The run also kept what the model predicted during training: the same 16 validation images after
# every epoch. The slider moves through the training; a marker on the curves shows where you are.
#
# *Expect:* both curves fall. Do they stay together? And in step 3 the narrow model had got as far
# as light and dark. What will come next here, shapes or colour?
#
# *Try:* put the slider at its beginning and move on key by key. Where can you first say what is in
# a picture? Where does the first colour appear that is not brown? Then find the last step of the
# slider at which you still see a change. What do the two curves do there?

# %% tags=["widget"]
from course_lib import published, schedules, statistics, widgets

run = published.load("three_layer_plateau")
print("by:", run.manifest["command"], "on", run.manifest["device"])
kept, baseline = run.manifest["weights_epoch"], run.metrics["gray_copy_validation"]["mse"]
print(f"weights: those of epoch {kept} of {len(run.history)}, the lowest validation loss")
lowest, last = min(run.losses()), run.losses()[-1]
print(f"validation loss: lowest {lowest:.5f}, last {last:.5f}, gray copy {baseline:.5f}")
widgets.scrub_training(run)

# %% [markdown]
# **What to see.** Label and command first: trust a curve only if somebody can tell you these.
# It is one seed, so nothing here says how much luck there was. (Lesson 06 shows other seeds.)
#
# Then the pictures. Within the first epochs blurs become objects. Compare later ones: do the shapes
# still change? The colours? And is it the *right* colour, or only more of it? (On a page that
# cannot run code you see the curves, and eight of the pictures at the beginning, in the middle and
# at the end.)
#
# Last, the curves; their axis is logarithmic. The dotted line is the gray copy on the same
# validation images. *How far* from it is the validation curve (solid) where it is lowest, how far
# at its end, and on which side? *When* do training (dashed) and validation separate? From there on
# the network learns its training images by heart, at least a little. The dashed curve goes down in
# steps: when you have read step 5, come back and say what happened there. And *how much* does
# validation jump from epoch to epoch, before the first of these steps and after it? A difference
# between two models that is smaller than its jumps says little.
#
# A published training loss hides the second question. The paper says that A1 reaches about 0.004,
# and means the training loss. Does the dashed line get there, too? And where is the solid one by
# then? Only the gap to images it has not seen shows what such a loss is worth.
#
# Where is the error? From here on A has the weights of the epoch that was kept, not those of the
# last one. The curve uses all 5,000 validation images and the cell those of this profile, so its
# MSE of A differs a little from the *lowest* point of the curve; but its lines share their images
# with each other. The third baseline, from step 2, is among them.

# %%
print(f"{len(validation):,} of the 5,000 validation images")
model = run.model()  # the paper's widths, with the published weights
prediction = published.predict(model, gray_validation)  # (N, 32, 32, 3)
report("gray copy", baselines.gray_copy(gray_validation), validation)
report("gray-level table", baselines.gray_level_table(gray_validation), validation)
squeezed = squeeze(gray_validation, 256)
report("256 numbers, then table", baselines.gray_level_table(squeezed), validation)
report("A", prediction, validation)
fits = [np.mean((squeeze(x, 256) - x) ** 2) for x in (gray_train, gray_validation)]
print(f"256 numbers, MSE of the gray alone: fitted {fits[0]:.5f}, validation {fits[1]:.5f}")
share = 1 / (3 * np.sum(np.square(grayscale.BT601)))  # 1 / (3 w.w), with the weights w of gray
print(f"wrong gray as luma: {share:.3f} x {fits[1]:.5f} = {share * fits[1]:.5f}")

# %% [markdown]
# **What to see.** First the third line: same colouring as in the second, but the gray has passed
# through 256 numbers. Luma grows, and it is enough to lift the MSE above the gray copy's. Chroma
# grows as well, although the table is the same. That is how the split works. If the gray of a pixel
# is wrong by *d*, its luma part is *d*² / (3 *w* · *w*), about three quarters of *d*² (lesson 01,
# step 5: the part along *w*, and the mean over three channels). The last line does this for the
# whole baseline and arrives at the luma part of the third line, except for the rounding of gray to
# levels. Blur errs by about *d* in all three channels, an MSE of *d*²: the other quarter is chroma.
#
# Now read the line of A part by part. A's *luma* part is not zero. The gray was given, so this was
# lost between the two halves. Is it more or less than what the linear code of the same length
# loses? (The second-to-last line says how easy that baseline is to beat: PCA's error on the images
# it was fitted to, and on others. Nearly equal numbers would mean a fair baseline.)
#
# <details><summary>More or less than the linear code? (open it when you have compared)</summary>
#
# Compare the luma part of A's line with that of the third. *If A's is the larger, or about as
# large*, the network has lost as much of the given gray as a linear code of the same length would
# have, or more. That counts against it, for the baseline is easy to beat: the linear code was
# fitted to the sample only, and A to 45,000 images. So 256 numbers can carry more of the gray than
# A passes through them, and its loss is not due to the code's length alone. *If A's is the
# smaller*, it makes better use of its 256 numbers than the baseline; with `profile = "full"`, where
# both saw the same images, that would be a fair win.
#
# </details>
#
# Then its *chroma* part. A quarter of the blur hides in it, about a third of the luma part, so do
# not compare it with the table's, which has lost no gray. The fair way is to give the right gray
# back first: you find out how in exercise 4, and the Results compare then.
#
# So a model can fail in two ways here. "It does not know the colour" is something that nobody can
# fix entirely. "It forgot the picture" happens between its two halves, and lesson 04 uses a model
# without a narrow layer between them.

# %% [markdown]
# ## Step 5 · A threshold with a unit
#
# The other callback has a trap too. When exactly has a loss "improved"? `ReduceLROnPlateau` says:
# when it is below the best so far by more than `min_delta`, and `min_delta` is 0.0001 unless you
# say otherwise. An absolute number. Is it small? That depends on the loss.
#
# `schedules.ReduceOnPlateau` does what Keras' callback does, and `replay` lets it watch an existing
# curve. Take a loss that falls from 0.01 in *every* epoch, by 0.000015. It never stands still. (A
# replay says when the rate would be cut; it does not change the losses.) We replay it with the
# threshold and without, and then with the loss in a different unit: pixels from 0 to 255 instead of
# 0 to 1, which makes every loss 65,025 times larger.
#
# *Expect:* a loss that falls all the time is no plateau, so the rate should stay.


# %%
def cuts(losses, min_delta):  # (num_epochs,) -> the epochs after which the rate falls
    schedule = schedules.ReduceOnPlateau(patience=5, min_delta=min_delta)
    rates = schedules.replay(schedule, list(losses), learning_rate=1e-3)
    return [epoch for epoch in range(1, len(rates)) if rates[epoch] < rates[epoch - 1]]


falling = 0.01 - 0.000015 * np.arange(30)  # (30,), one loss per epoch
for name, losses in {"pixels to 1": falling, "pixels to 255": 255**2 * falling}.items():
    for min_delta in (1e-4, 0):
        print(f"{name:13}  min_delta {min_delta:g}: cuts {cuts(losses, min_delta) or 'none'}")

# %% [markdown]
# **What to see.** In the first replay the rate is cut four times and ends at a hundredth, although
# the loss got better in each epoch. It got better by less than 0.0001 within five epochs, and so it
# did not count. Without the threshold, or with bytes as pixels, the same training keeps its rate.
# Whether the threshold is coarse or harmless depends on the unit of the loss, and nobody looks at
# it, because it is a default.
#
# Would it matter on a real curve? Here is the validation loss of an A2, which keeps its rate, that
# was trained for 30 epochs on only 5,000 images.
#
# *Expect:* without the threshold a small step down counts too, and restarts the patience. So the
# rate should be cut less often, or later.

# %%
run_5k = published.load("three_layer_constant_5k")
print(f"{run_5k.label}, trained on 5,000 images: {len(run_5k.history)} epochs")
real = run_5k.losses()
found = {"with": cuts(real, 1e-4), "without": cuts(real, 0)}
print("cuts with the threshold:", found["with"], "and without:", found["without"])
events = []
for epoch in sorted({*found["with"], *found["without"]}):
    events.append((epoch, " and ".join(word for word in found if epoch in found[word])))
alt = "A2 on 5,000 images: training loss falls, validation jumps about a level. Lines mark cuts."
plots.show(plots.loss_curves(run_5k.history, events=events), alt=alt)
print(f"0.0001 is {1e-4 / run.losses()[-1]:.1%} of the loss at which A ended in step 4")

# %% [markdown]
# **What to see.** The vertical lines are the epochs after which the rate would fall, with the
# threshold, without it, or both. The validation loss (solid, filled markers) falls for a while and
# then jumps around a constant level, so there is a plateau for both. Compare *when* they cut.
# Compare also the training loss: it shows no plateau. With only 5,000 images, the network soon
# learns them by heart, and the validation loss shows it.
#
# The last line shows how large the threshold is: by this much A must get better than its best so
# far within five epochs, or its rate falls. Exercise 2 counts what Keras counts as better, and
# lesson 05 takes the schedule apart.

# %% [markdown]
# ## Step 6 · The leak
#
# The paper's code passes the **test set** to `model.fit` as validation data. (The course keeps this
# protocol as `data.split(cifar, protocol="paper")`, to reproduce the paper.) No gradient is ever
# computed from a test image. Yet test images act in two ways, through the two callbacks: they
# decide *when the learning rate falls*, and *which epoch is kept*. What is that worth? We measure
# the second way only, the choice of the epoch. For the first, one would have to train many times,
# each time with a schedule that watches other images.
#
# For this we need a run with many epochs that differ, and it must take only seconds. So the cell
# takes a narrow model, 400 training images, and twice the paper's learning rate, which makes the
# curve restless on purpose. After each of 30 epochs it measures the error of every image in a
# **pool** of 1,200 others, that this network never trains on. The pool is cut from the course's
# training images, so the real test set stays closed.

# %%
few, pool = train[:400], train[400:1600]
gray_few, gray_pool = (grayscale.to_gray(x, keepdims=True) for x in (few, pool))
seeding.seed_everything(seed)
restless = build_three_layer_autoencoder(channels=(16, 32, 64))
restless.compile(optimizer=keras.optimizers.Adam(2e-3), loss="mse")
points, errors = [], []
for _ in range(30):
    loss = restless.fit(gray_few, few, batch_size=32, verbose=0).history["loss"][0]
    prediction = restless.predict(gray_pool, batch_size=250, verbose=0)  # (1200, 32, 32, 3)
    errors.append(np.mean((prediction - pool) ** 2, axis=(1, 2, 3)))  # (1200,)
    points.append({"train_loss": loss, "validation_loss": errors[-1].mean()})
errors = np.stack(errors)  # (30, 1200): epochs, images

# %% [markdown]
# **What to see.** No output yet, but we have something that a training run usually throws away: the
# error of *each* image after *each* epoch.

# %%
mean_errors = errors.mean(axis=1)  # (30,)
best = mean_errors.argmin()
figure = plots.loss_curves(points, events=[(best + 1, "lowest"), (30, "last")])
plots.show(
    figure,
    alt="Training loss and loss on the pool over 30 epochs of a narrow model. The pool's curve "
    "falls steeply at first and then jumps up and down.",
)
print(f"pool: last epoch {mean_errors[-1]:.5f}, lowest {mean_errors[best]:.5f} at {best + 1}")

# %% [markdown]
# **What to see.** The curve marked "validation" is the mean over the pool. It falls, then jumps,
# and where it is in the last epoch is luck. This is what a checkpoint is for, and what is lost if
# it is saved and never loaded.
#
# So let the lowest loss choose? Yes. But on *which* images? A number that has been used for a
# choice is no longer a measurement of what was chosen: among many epochs some look good because
# *these* images happen to suit them, and a choice by these images picks exactly those.
#
# How much is that worth? We shuffle the pool and cut it into groups of *n* images. Each group in
# turn plays the test set: it chooses the epoch with its lowest loss and reports the gain over the
# last epoch. This gain is **promised**. Then we look at the same two epochs on all images outside
# the group. This gain is **kept**. What was promised and is not kept is the **leak**:
# leak = promised - kept. The cell takes the means over all groups of twenty shuffles, for groups of
# 10 to 300 images, and for the smallest groups also with fewer epochs to choose from.
#
# *Expect:* the choice cannot know the images outside the group. So what is kept should be ... And
# will the leak be smaller or larger if a group chooses between two epochs only?


# %%
def gains(errors, n):  # (E, 1200) -> promised, kept and chosen epoch, for each group of n images
    shuffles = np.random.default_rng(seed).permuted([range(len(pool))] * 20, axis=1)  # (20, 1200)
    for group in shuffles.reshape(-1, n):  # (20 * 1200 / n, n)
        drawn = errors[:, group].mean(axis=1)  # (E,), the losses that choose
        others = np.delete(errors, group, axis=1).mean(axis=1)  # (E,), of images not looked at
        chosen = drawn.argmin()
        yield drawn[-1] - drawn[chosen], others[-1] - others[chosen], chosen


print("images  epochs  promised    kept    leak  different epochs chosen")
for n, last in [(10, 2), (10, 5), (10, 10), (10, 30), (30, 30), (100, 30), (300, 30)]:
    promised, kept, chosen = np.transpose([*gains(errors[-last:], n)])  # each (24000 / n,)
    means = [1e5 * gain.mean() for gain in (promised, kept, promised - kept)]
    print(f"{n:6}  {last:6}", "{:9.2f}  {:6.2f}  {:6.2f}".format(*means), f"{len(set(chosen)):7}")

# %% [markdown]
# **What to see.** (All in 0.00001 of MSE.) The numbers are those of *your* machine: weights differ
# a little from one to the next, and a restless run amplifies the difference. So read the table with
# these questions.
#
# *The last four lines: more and more images choose among all 30 epochs.* The promise is never
# smaller than what is kept. How much of it is empty with few images, and does the leak shrink from
# line to line? It should, since a mean over more images varies less.
#
# *The last line: how many different epochs were chosen?* If all groups choose the same one, the
# leak is exactly 0.00, for promised and kept are then means over the same images. That does not
# make it zero; this experiment cannot see it. If it is two epochs or more, the leak is a small
# number with few groups behind it. So as a cautious bound quote the line of 100 images, or if all
# groups agree even there, the last one in which they do not.
#
# *The first four lines: always 10 images, but they choose among the last 2, 5, 10 or 30 epochs.*
# Where does the leak grow with the number of epochs, and where not? What counts is how many
# *rivals* there are, epochs that are nearly as good. Epochs high up on the falling curve are never
# chosen, and add nothing. An epoch that is clearly the best can even make the leak smaller: nearly
# all groups choose it, and are right.
#
# It is one run of one narrow model. In another, the *last* epoch may happen to be the lowest on the
# pool; the cell before says whether it is. Then there is nothing to gain over the last epoch, and
# choosing can only lose: few images still promise something, what is kept is below zero, and with
# many images both are nearly zero.
#
# *Try:* make the run a calm one, with `Adam(5e-4)`, and run the last three cells again. Which epoch
# is the lowest now, and is what is kept above or below zero? If it is the last one, and those
# before it are nearly as low, a few images often choose one of these, and lose. If it is an earlier
# one, there was something to gain, and more images should find it more often.
#
# Be honest in both directions:
#
# - *Choosing is not a mistake.* What is kept is the worth of a checkpoint, if it is loaded: much
#   where the last epoch was unlucky, nothing where it was the best, and less than nothing where too
#   few images chose. The mistake is to report the score of the very images that chose.
# - *The leak is not always large.* It shrinks with the number of images and grows with the number
#   of rivals. For the epoch, with the paper's 10,000 test images, expect a leak
#   below the cautious bound. The paper did not even load its checkpoint; only the schedule
#   has seen the test set, and what that is worth is not in this table.
#
# Why keep the rule anyway? Because one can say how large the leak is only with images that have
# chosen nothing, and those were used up. And because nobody makes a single choice: widths, rates,
# schedules and the architectures themselves are compared by the same score, and differences between
# good models are small. Hence three sets: **one to train, one to choose, one to report, opened
# once.**

# %% [markdown]
# ## Exercises
#
# ### Exercise 1 · Counting weights (one line)
#
# A convolution has, for each filter, one weight for every pixel of its window in every input
# channel, and one bias. Count all of them. Your formula should give the numbers of step 1: those of
# the three convolutions, and of the four transposed ones as well.


# %% tags=["exercise"]
def conv_parameters(in_channels, filters, kernel_size):
    """Weights and biases of a convolution with a square window of kernel_size pixels a side."""
    ### BEGIN SOLUTION
    return (kernel_size**2 * in_channels + 1) * filters
    ### END SOLUTION


# %% tags=["check"]
checks.check("02.conv_parameters", conv_parameters)

# %% [markdown]
# ### Exercise 2 · What counts as better (a loop with a memory)
#
# Count the epochs that `ReduceLROnPlateau` counts as an improvement: the loss is below `best` by
# more than `min_delta`. Only then does `best` move. It starts at infinity, so the first epoch
# counts. Return how many there are, one number.


# %% tags=["exercise"]
def improvements(losses, min_delta):
    """How many of the losses (num_epochs,) count as better than all that counted before."""
    ### BEGIN SOLUTION
    best, count = np.inf, 0
    for loss in losses:
        if loss < best - min_delta:
            best = loss
            count += 1
    return count
    ### END SOLUTION


# %% tags=["check"]
checks.check("02.improvements", improvements)

# %% [markdown]
# ### Exercise 3 · The number to report (one line, and the point of this lesson)
#
# You have both losses of every epoch, on the validation and on the test images. Return the *one*
# number that belongs in a paper. If two epochs are equally good, `ModelCheckpoint` keeps the first.


# %% tags=["exercise"]
def number_to_report(validation_losses, test_losses):
    """Two arrays (num_epochs,) -> the loss to report."""
    ### BEGIN SOLUTION
    return test_losses[np.argmin(validation_losses)]
    ### END SOLUTION


# %% tags=["check"]
checks.check("02.number_to_report", number_to_report)

# %% [markdown]
# ### Exercise 4 · Give it back its gray (design)
#
# Step 4 showed that the model forgets a part of the gray picture. But *we* have not forgotten it:
# it was the input. Design a repair without any training. Take the model's output and the gray
# picture, and return a colour picture that makes use of both. There is more than one good answer.
# Ask yourself what an error of blur looks like in the three channels of a pixel.
#
# The check measures the MSE of your pictures on blurred, pale versions of pictures that it makes
# up. It accepts every method that is about as good as the best ones we know.


# %% tags=["exercise"]
def give_gray_back(prediction, gray):
    """Model output (N, H, W, 3) and given gray (N, H, W), in [0, 1] -> better RGB (N, H, W, 3)."""
    ### BEGIN SOLUTION
    # Blur errs alike in all three channels, so what is missing in gray is added to all three.
    # The weights of gray add up to 1: afterwards the gray is exactly the one that was given.
    missing = gray - prediction @ np.array([0.299, 0.587, 0.114])  # (N, H, W)
    return prediction + missing[..., np.newaxis]
    ### END SOLUTION


# %% tags=["check"]
checks.check("02.give_gray_back", give_gray_back)

# %% [markdown] tags=["lesson-only"]
# When it passes, open a new cell and try it on the published model. The line to compare with is in
# step 4, and the result is worth the minute:
#
# ```python
# prediction = published.predict(model, gray_validation)
# repaired = np.clip(give_gray_back(prediction, gray_validation[..., 0]), 0, 1)
# report("A, gray given back", repaired, validation)
# ```

# %% [markdown]
# ### A written question · 4 points
#
# A friend writes: *"I pass the test set to `model.fit` as validation data, with the callbacks
# `ReduceLROnPlateau` and `ModelCheckpoint`, load the best checkpoint at the end, and report its
# test loss. That is honest: the network was never trained on a test image, no gradient was computed
# from one. And your extra validation set costs me 5,000 training images."*
#
# Answer your friend in six to ten sentences. One point each for
#
# 1. the two ways in which test images act on this result without any gradient;
# 2. the reason why the reported loss tends to be too low, and not just as likely too high;
# 3. an estimate of how much, with a leak from your own table of step 6 (which line is a cautious
#    bound, and what a line in which all groups agree can and cannot say), and what would make it
#    larger or smaller than there;
# 4. a protocol that your friend can use, with each set's job, and a fair account of what it costs.

# %% [markdown] tags=["written"] points=4
# *Your answer here.*

# %% [markdown]
# ## Results
#
# Now the test images, once. Nothing above was chosen with them. First the paper's way of looking,
# its figure 1: the first 100 test images in colour, in gray, and as the model colours them. (Gray
# pictures have the shape (N, 32, 32) from here on, as in lesson 01: `published.predict` and the
# baselines take them with and without the channel axis.)

# %%
test = data.as_float(cifar.x_test)  # (N, 32, 32, 3); the sample too has the first 100 in order
gray_test = grayscale.to_gray(test)  # (N, 32, 32)
output = published.predict(model, gray_test)  # (N, 32, 32, 3)
mosaics = [  # (100, 32, 32, 3) -> 10 rows of 10, one picture (320, 320, 3)
    plots.as_rgb(images).reshape(10, 10, 32, 32, 3).swapaxes(1, 2).reshape(320, 320, 3)
    for images in (test[:100], gray_test[:100], output[:100])
]
titles = ["test images", "gray, the input", f"output of {run.label}"]
figure = plots.image_grid(np.stack(mosaics), titles, columns=3, zoom=2)
alt = "The first 100 test images in colour, in gray, and as the model colours them: blurred."
plots.show(figure, alt=alt)

# %% [markdown]
# **What to see.** From far away the third mosaic looks fine: skies are bluish, some meadows
# greenish, animals brownish. That is how a mosaic flatters. Look closer, with each picture's MSE
# below it, and with the right gray given back (by one answer to exercise 4; compare it with yours).
# The lines are means over the test images of this profile.

# %%
missing = gray_test - grayscale.to_gray(output)  # (N, 32, 32)
repaired = np.clip(output + missing[..., np.newaxis], 0, 1)  # (N, 32, 32, 3)
rows = {"gray copy": baselines.gray_copy(gray_test), "A": output, "A, gray back": repaired}
for name, images in rows.items():
    report(name, images, test)
report("gray-level table", baselines.gray_level_table(gray_test), test)
some = [0, 3, 6, 7, 9, 13, 18, 23]
rows = {name: images[some] for name, images in rows.items()}
numbers = {name: np.mean((x - test[some]) ** 2, axis=(1, 2, 3)) for name, x in rows.items()}
figure = plots.side_by_side(rows | {"truth": test[some]}, numbers)
alt = "Eight test images: gray copy, output (blurred), output with its gray back, truth."
plots.show(figure, alt=alt)

# %% [markdown]
# **What to see.** The gray copies are sharp and have no colour; the outputs have some colour and no
# sharp edge; with the gray given back, they have both. The MSE weighs edges against colour, and you
# can see on which pictures which side wins. Where "A, gray back" is still worse than the gray copy,
# edges cannot be the reason: what is? You may disagree with the MSE: lesson 06 asks what other
# metrics say.
#
# In the lines, giving gray back takes away nearly all of the luma part (clipping to [0, 1] leaves a
# trace) and the blur's share of the chroma part. What is left is the model's error in colour alone,
# and only now is it fair to set it beside that of the gray copy and of the table.
#
# Last the numbers. Those of the first five lines are from the manifest of the published run; the
# test lines are means over all 10,000 test images. Then image by image, with an interval: model
# and gray copy have coloured the same test images (in the quick profile, those of the sample), so
# the difference is taken per image. The interval is a bootstrap over the images.

# %% tags=["results", "nbval-check-output", "key-number"]
parts = "MSE {mse:.5f} = luma {mse_luma:.5f} + chroma {mse_chroma:.5f}"
for key in ("gray_copy_test", "gray_level_table_test", "test", "validation", "train"):
    print(f"{key:22}", parts.format(**run.metrics[key]))
copy_errors = np.mean((baselines.gray_copy(gray_test) - test) ** 2, axis=(1, 2, 3))  # (N,)
model_errors = run.per_image("mse")[cifar.test_indices]  # (N,), the same images
difference = statistics.paired_difference(model_errors, copy_errors, seed=seed)
print("A minus gray copy: {:+.5f} ({:+.5f} to {:+.5f})".format(*difference), len(test), "images")
print(f"A has the smaller error on {np.mean(model_errors < copy_errors):.0%} of them")
mse, luma = run.metrics["test"]["mse"], run.metrics["test"]["mse_luma"]
print("bands hold:", 0.0065 <= mse <= 0.0095, "for the MSE,", 0.0005 <= luma <= 0.0035, "for luma")
print(f"MSE of {run.label}, one seed, 10,000 test images: {mse:.5f}")

# %% [markdown]
# **What to see.** The lines `test`, `validation` and `train` (5,000 of its training images) are
# A's. Answer the question of the lesson from the table. Is A below or above the gray copy? The
# table? Which part decides it? And how far below `test` does `train` lie? By that much A's score
# on its own training images flatters it, and whoever prints only a training loss cannot see it.
# In which *part* does it lie there: has A learned the shapes of its training images by heart, or
# their colours? And which of the three lines has chosen A's epoch, and so may flatter it a little,
# too?
#
# "A minus gray copy" is the verdict, with its sign: above zero, doing nothing is better. If the
# interval does not reach zero, the difference is not due to luck with these images; it says nothing
# about other seeds. The share of images says that a mean is not the whole story.
#
# The course expects A's MSE on test between 0.0065 and 0.0095, and its luma part between 0.0005
# and 0.0035. A `False` means that the model, its weights or the data are not what they should be.
#
# <details><summary>Is it better than doing nothing? (open it when you have an answer)</summary>
#
# *As it is:* read "A minus gray copy". If the sign and the whole interval are above zero, A is
# worse than doing nothing by its MSE, and the luma part of the line `test` says why: the lost
# gray costs more than the colours bring. If all is below zero, A is better.
#
# *With its gray given back:* compare the line "A, gray back" above the pictures with "gray copy"
# and "gray-level table". If it is below both, the network has learned something about colour that
# brightness alone does not say, and the lost gray hid it. If it is not below the table, it has not
# shown that. (A comparison of means has no interval yet; lesson 03 gives it one.)
#
# *How would we know?* By baselines, by images that chose nothing, and by an interval. It is still
# one seed and one metric: lesson 06 has more of both.
#
# </details>

# %% [markdown]
# ## What we have seen
#
# - The encoder turns 1,024 numbers into 256, the decoder 256 numbers into a colour picture. Most of
#   the weights are in the two dense layers between.
# - A narrow code costs luma: the model loses what it was given. PCA says what a linear code of the
#   same length loses.
# - Transposed convolutions of width 3 and stride 2 overlap unevenly.
# - `model.fit` ends with the weights of the last epoch. A checkpoint that is not loaded is only a
#   file.
# - `ReduceLROnPlateau` compares with an absolute `min_delta`. Near small losses the default calls
#   a slow fall a plateau.
# - A training loss is not a score. A score needs images that were used neither for training nor for
#   choosing, and baselines beside it.
# - Images overrate whatever was chosen with them. Train on one set, choose on a second, report on a
#   third.
#
# **Next:** lesson 03 builds the paper's second model in PyTorch, and writes by hand what
# `model.fit` does.

# %% [markdown]
# ## Further reading
#
# - Durant, Kotta and Mazer (2023). *Converting Grayscale Images to RGB Images Using Various
#   Autoencoder Architectures.* 6 December 2023. The paper that this course reproduces and tests.
# - Hinton, G. E., and Salakhutdinov, R. R. (2006). Reducing the Dimensionality of Data with Neural
#   Networks. *Science* 313 (5786), pages 504 to 507. doi:10.1126/science.1127647. Autoencoders
#   against PCA, with pictures.
# - Dumoulin, V., and Visin, F. (2016). *A guide to convolution arithmetic for deep learning.*
#   arXiv:1603.07285. Strides, padding and transposed convolutions, drawn.
# - Odena, A., Dumoulin, V., and Olah, C. (2016). Deconvolution and Checkerboard Artifacts.
#   *Distill.* doi:10.23915/distill.00003. Why the grids appear, and what to do instead.
# - Kingma, D. P., and Ba, J. (2015). Adam: A Method for Stochastic Optimization. *International
#   Conference on Learning Representations.* arXiv:1412.6980.
# - Cawley, G. C., and Talbot, N. L. C. (2010). On Over-fitting in Model Selection and Subsequent
#   Selection Bias in Performance Evaluation. *Journal of Machine Learning Research* 11, pages 2079
#   to 2107. The leak of step 6, in general.
# - Recht, B., Roelofs, R., Schmidt, L., and Shankar, V. (2019). Do ImageNet Classifiers Generalize
#   to ImageNet? *International Conference on Machine Learning*, PMLR 97, pages 5389 to 5400. A new
#   test set after years of choosing by the old one.
# - Keras documentation: *ReduceLROnPlateau* and *ModelCheckpoint*.
#   <https://keras.io/api/callbacks/>
