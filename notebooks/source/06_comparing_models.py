# %% [markdown]
# # 06 · Comparing models
#
# **About 70 minutes, half of them for the exercises.** Nothing is trained here.
#
# At the end of this lesson you will be able to
#
# - set up a fair table: the same images, the same metrics, the baselines beside the models;
# - see from the luma and the chroma part *what* a model gets wrong, and use a control to find out
#   why;
# - say what an interval over images answers, and what only an interval over seeds can answer;
# - list what differs between two models apart from the thing you wanted to compare, and choose the
#   experiment that separates the causes;
# - check a paper's claims against numbers, by a rule that was fixed beforehand.
#
# You need lesson 01 (baselines, luma and chroma) and a little statistics: standard deviation,
# standard error, confidence interval. Lessons 02 to 05 describe the models.

# %% tags=["parameters"]
profile = "quick"
seed = 0
device = "cpu"

# %% tags=["needed"]
import math

import numpy as np

from course_lib import checks, data, experiments, profiles, published

# %% [markdown]
# ## The question
#
# The paper of Durant, Kotta and Mazer (2023) compares three autoencoders. Its model **A** (Keras,
# three layers) comes as A1, with a learning rate that falls on a plateau, and as A2, with a
# constant one. **B** (PyTorch) has a fully connected latent, **C** (PyTorch) a convolutional one.
# Its verdict: A is best overall, C is clearest, B struggles. It rests on the training loss of one
# run each, and on looking at pictures.
#
# **Which of these claims hold on images that the models have not seen, compared with somebody who
# does nothing, and over several seeds?**
#
# So we need runs. Most numbers below are read from *published runs*: trained beforehand and
# measured, with the recipe on record; each table says on which images. Until step 5 it is one run
# of each model, with seed 0; there the other seeds come in. To the paper's models we add a
# **control**: A2 once more, but its input is the *colour* image that it has to give back. It is
# there to find out what the lack of colour does, and what it does not. (Of the parameters above,
# `profile` says how many test images the models colour in this lesson, and `seed` which ones a
# bootstrap draws.)
#
# *Before you run the cell:* what would you want to know about a run before you believe its score?

# %%
runs = {}  # short name -> run
for wanted in [*(recipe.name for recipe in experiments.PAPER), "three_layer_rgb"]:
    run = published.load(wanted)
    name = run.label.split(",")[0]
    runs[name] = run
    images = round(sum(e["images_per_second"] * e["seconds"] for e in run.history))
    epochs = f"epoch {run.manifest['weights_epoch']:2} of {len(run.history)}"
    print(f"{name:12} seed {run.manifest['seed']}, {images:9,} training images seen, {epochs}")

# %% [markdown]
# **What to see.** One line per run. The count says how many training images the run has seen, each
# as often as it came up; 30 epochs, as the paper has them for A, of this course's 45,000 training
# images are 1,350,000, and 20 epochs, for B and C, 900,000. At the end is the epoch whose weights
# were kept and are scored below, the best on the validation images: how far apart are they?
#
# Keep both in mind. Where they differ, a comparison is one of *training lengths* too.
#
# And the baselines to beat, on the same 10,000 test images: a picture left gray, and the mean
# colour of each gray level.

# %% tags=["results", "nbval-check-output"]
test_rows = {name: run.metrics["test"] for name, run in runs.items()}
test_rows["gray copy"] = run.metrics["gray_copy_test"]
test_rows["gray-level table"] = run.metrics["gray_level_table_test"]
for name in ("gray copy", "gray-level table"):
    print(f"{name:17} MSE on 10,000 test images: {test_rows[name]['mse']:.5f}")

# %% [markdown]
# **What to see.** These two numbers cost no training. *Guess now, before the next cell:* which of
# the models is below them?

# %% [markdown]
# ## Step 1 · One table
#
# One row per model, one column per metric:
#
# - **MSE** with its **luma** and **chroma** parts (lesson 01), and **MAE**, the mean of the
#   absolute errors, which punishes large errors less. Smaller is better.
# - **PSNR**, in decibel, is the MSE on a logarithmic scale. Larger is better, and the order is that
#   of the MSE: it is not a second piece of evidence.
# - **SSIM** compares windows of 11 × 11 pixels, channel by channel, by mean, contrast and structure
#   (Wang and others, 2004). 1 at best. A gray picture has every edge in its place, but not the
#   contrast of each channel.
# - **CIEDE** (CIEDE2000) is the distance of two colours as people see it; below 1 hardly anyone
#   sees a difference (Sharma and others, 2005). Smaller is better.
# - **colour** says how vivid the output is, without looking at the truth, and is good when it is
#   near that of the photographs (Hasler and Süsstrunk, 2003).
#
# *Expect:* one model that wins in all columns. Or not?

# %% tags=["results", "nbval-check-output"]
from course_lib import baselines, grayscale, plots

columns = {"mse": ("MSE", 5), "mse_luma": ("luma", 5), "mse_chroma": ("chroma", 5)}
columns |= {"mae": ("MAE", 4), "psnr": ("PSNR", 2), "ssim": ("SSIM", 3)}
columns |= {"ciede2000": ("CIEDE", 2), "colourfulness": ("colour", 1)}


def print_table(title, rows):
    print(f"{title:18}" + "".join(f"{heading:>9}" for heading, _ in columns.values()))
    for name, scores in rows.items():
        cells = [f"{scores[key]:9.{digits}f}" for key, (_, digits) in columns.items()]
        print(f"{name:18}" + "".join(cells))


print_table("TEST, 10,000", test_rows)
print(f"colour of the photographs themselves: {run.metrics['test']['colourfulness_target']:.1f}")

# %% [markdown]
# **What to see.** Put these questions to the table, in this order.
#
# 1. *Who is below the gray copy in the column MSE?* Whoever is not scores worse than doing nothing.
# 2. *Is the order the same in every column?* (PSNR does not count: its order cannot differ.) The
#    gray copy has colour 0 and yet a good SSIM: a gray picture has nearly all of the structure.
#    Which models beat it in SSIM, and which in CIEDE? (Mind near ties: each line is one seed. In
#    CIEDE other seeds of C come out on the other side of the gray copy.) A model can win one column
#    and lose another. If the order depends on the column, "best overall" is not a property of the
#    model. It is a property of the column you chose.
# 3. *How near is anyone to the colour of the photographs?* Lesson 01 said why the MSE makes pale
#    pictures. (Near says that there is as much colour, and not that it is the right one.)
#
# (All numbers are rounded, so two parts may miss their sum by one in the last digit.)
#
# Now the same on the first 5,000 training images and on all 5,000 validation images.
#
# *Expect:* the scores will differ between the two tables. In which rows can such a difference *not*
# come from learning by heart?

# %% tags=["results", "nbval-check-output"]
for part in ("train", "validation"):
    rows = {name: run.metrics[part] for name, run in runs.items()}
    rows["gray copy"] = run.metrics[f"gray_copy_{part}"]
    rows["gray-level table"] = run.metrics[f"gray_level_table_{part}"]
    print_table(f"{part.upper()}, 5,000", rows)

# %% [markdown]
# **What to see.** The gray copy learns nothing, so its two scores differ only because the images
# do; the table is one of 256 colours and cannot know single images either. A *model* whose step
# from training to validation is clearly larger than theirs has begun to learn its training images
# by heart. Compare validation with test as well. Neither was trained on: does a model's step differ
# from the gray copy's? (The validation images did choose which epoch's weights were kept.)
#
# The paper read its verdict off the *training* loss. Look at how far from the test score that can
# take you, and note that the runs' own training losses (in lessons 02 to 05) are a third kind of
# number: means over an epoch while the weights change, and for B and C on rotated images. And the
# lowest one may come from a later epoch than the weights that were kept.

# %% [markdown]
# ### The paper's own protocol
#
# All this is *our* protocol. The paper has no validation images: it trains on all 50,000 training
# images and gives Keras the **test** set as validation data, so that for A1 the test loss drives
# the schedule. Its pictures are those of the last epoch (lesson 02). We have trained its four
# models in that way as well, once each.
#
# *Expect:* whoever sees the test loss after every epoch is tempted to report the lowest. How far
# will it be below the last? And do 5,000 more training images make the scores better than ours?

# %% tags=["results", "nbval-check-output"]
print("test MSE    last epoch     lowest  in epoch       our protocol")
for recipe in experiments.PAPER:
    looks = published.load(f"{recipe.name}_paper").losses()
    ours = runs[recipe.letter].metrics["test"]["mse"]
    line = f"{recipe.letter:8}{looks[-1]:14.5f}{min(looks):11.5f}{np.argmin(looks) + 1:10}"
    print(line + f"{ours:19.5f}")

# %% [markdown]
# **What to see.** *Last epoch* is the paper's way. *Lowest* is a choice by the test set itself:
# what it promises over the last epoch is the difference of the two columns. Lesson 02 took such a
# promise apart: where 10,000 images choose, one may expect that most of it is kept, but nobody can
# say so without other images. (Both columns were recorded during the training. For B and C that is
# in float32. For A1 and A2 it is in bfloat16; measured again in float32, the last epoch differs by
# less than 0.0001.)
#
# The last column has seen 5,000 training images fewer, and its epoch was chosen by the validation
# images. Where it is below the first one, a choice by images set aside was worth more here than
# having them in training, and it costs no honesty. Where it is above: was there anything to win by
# a choice, or is the lowest epoch the last? Then the images may have been worth more.
#
# Is the order of the models the same in all three columns? Then no ranking depends on the protocol,
# for these runs. (One seed each, and the two protocols see different images in a different order:
# do not read more than that into a small difference.)

# %% [markdown]
# ## Step 2 · Two failures, and a control
#
# The MSE is the sum of a luma part and a chroma part (lesson 01). The gray picture was given, so a
# luma error is something that the model was given and lost. Some chroma error nobody can avoid.
#
# *Expect:* the models with 256 latent numbers should blur. Whose bar has the longest hatched part?

# %%
from matplotlib.figure import Figure

names = list(test_rows)[::-1]
luma, chroma = ([test_rows[n][part] for n in names] for part in ("mse_luma", "mse_chroma"))
figure = Figure(figsize=(8, 1.2 + 0.4 * len(names)), layout="constrained")
ax = figure.add_subplot(xlabel="mean squared error on 10,000 test images")
ax.barh(names, luma, color="0.8", edgecolor="black", hatch="///", label="luma part (hatched)")
ax.barh(names, chroma, left=luma, color="#E69F00", edgecolor="black", label="chroma part (plain)")
ax.axvline(test_rows["gray copy"]["mse"], color="black", linestyle=":", label="gray copy (dotted)")
ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=3, frameon=False)
alt = "Bars for each model and baseline: the test error, divided into a luma and a chroma part."
plots.show(figure, alt=alt + " The baselines have no visible luma part.")

# %% [markdown]
# **What to see.** Three things, from left to right. The *hatched* part of a bar is blur or wrong
# brightness; the baselines have none. The *plain* part is wrong colour, **and a share of the wrong
# gray** (lesson 03: part of it reappears as chroma). And a bar that passes the dotted line belongs
# to a model that the gray copy beats. If its plain part alone is *shorter* than the gray copy's
# whole bar (the column chroma in step 1 has the numbers), it knows more about colour than the gray
# copy. If not, the bar does not show it. Then give each picture the right gray first, as in lessons
# 03 and 04: what is left is wrong colour and nothing else. For that we need the pictures
# themselves, of the test images of your profile.
#
# *Expect:* who will be below the gray copy then?

# %%
cifar = data.load_cifar10(profiles.get(profile).data)
test = data.as_float(cifar.x_test)  # (N, 32, 32, 3)
gray_test = grayscale.to_gray(test)  # (N, 32, 32)


def right_gray_mse(picture):  # each pixel shifted to the photograph's gray
    right = picture + (gray_test - grayscale.to_gray(picture))[..., None]
    return np.mean((right - test) ** 2, axis=(1, 2, 3))  # (N,)


coloured = {"gray copy": baselines.gray_copy(gray_test)}
coloured["gray-level table"] = baselines.gray_level_table(gray_test)

# %% [markdown]
# The function shifts all three channels of a pixel by the same amount, until its gray is that of
# the photograph. Now the models. Each gets the gray that it was trained on; the control gets the
# colours. (They are large. A line appears as each model ends: some seconds for each, and more on a
# busy machine.)

# %%
print(f"MSE with the right gray, {len(test)} test images")
for name, picture in coloured.items():  # the baselines
    print(f"{name:18}{right_gray_mse(picture).mean():.5f}")
for name, run in runs.items():
    given = experiments.model_input(experiments.get(run.manifest["experiment"]), test)
    coloured[name] = published.predict(run.model(), given)  # (N, 32, 32, 3)
    print(f"{name:18}{right_gray_mse(coloured[name]).mean():.5f}")

# %% [markdown]
# **What to see.** The baselines have the right gray already, so their numbers are their MSE.
# Compare the models with them, and with one another: the order need not be that of step 1. A model
# that is below the gray-level table here makes use of more than the gray of one pixel: of *what* is
# in the picture, or only of *where* in it the pixel lies, for skies are above meadows. If its MSE
# in step 1 is above the gray-level table's all the same, wrong gray has cost it what it had gained
# in colour. And, the control aside: is the most vivid model of step 1 also the one with the
# smallest number here?
#
# But *why* is there a hatched part? Two explanations suggest themselves:
#
# - **the bottleneck blurs**: 256 numbers do not hold a sharp picture, whatever goes in;
# - **colour is ambiguous**: the model does not know the colours, and hedges.
#
# They can be told apart. The control has the same layers and the same 256 numbers, but it *sees*
# the colours: nothing is ambiguous for it.
#
# *Expect:* which part of the error should vanish, if only ambiguity were to blame? Which should
# stay, if the bottleneck is?

# %% tags=["results", "nbval-check-output"]
model, control = published.load("three_layer_constant"), published.load("three_layer_rgb")
for part in ("mse_luma", "mse_chroma"):
    from_gray, from_rgb = model.metrics["test"][part], control.metrics["test"][part]
    print(f"{part:10} from gray {from_gray:.5f}, from RGB {from_rgb:.5f}")

# %% [markdown]
# **What to see.** Both runs are A2's recipe, of the same length and with the same seed; only the
# input differs, and with it the epoch that was kept.
#
# - If the *luma* part from RGB is about as large as from gray, the blur is not hedging: it comes
#   with the bottleneck (or with this training of it), for a model that knows every colour has it
#   too. It may even be the larger one: the same 256 numbers now have colours to hold too. If it is
#   clearly smaller, hedging has its share in the blur, or the epoch that was kept has: compare them
#   above.
# - The *chroma* part from RGB holds a share of the wrong gray. What the bottleneck alone costs in
#   *colour* is the control's line in the list "with the right gray" above; what the model from gray
#   has on top of it there is the price of not knowing the colour.
#
# This is how a control works: its recipe changes *one* thing and leaves everything else alone. Keep
# it in mind for step 6.

# %% [markdown]
# ## Step 3 · Look at the pictures
#
# No table replaces looking. We take the first 100 test images, as each model colours them with its
# published weights, and draw them in the paper's way: a mosaic of 10 × 10 for each.
# The MSE of each comes below the picture.
#
# *Expect:* can you tell from the mosaics alone which model has the lowest MSE? Guess before you
# scroll to the numbers.

# %%
photos = test[:100]  # (100, 32, 32, 3)
pictures = {name: picture[:100] for name, picture in coloured.items()}  # (100, 32, 32, 3) each
errors = {name: np.mean((p - photos) ** 2, axis=(1, 2, 3)) for name, p in pictures.items()}
panels = pictures | {"truth": photos}
joined = [p.reshape(10, 10, 32, 32, 3).swapaxes(1, 2).reshape(320, 320, 3) for p in panels.values()]
figure = plots.image_grid(np.stack(joined), list(panels), columns=3, zoom=1)
alt = f"Mosaics of the first 100 test images: {', '.join([*pictures, 'truth'])}. "
plots.show(figure, alt=alt + "Those of the gray-to-colour models are paler than the truth.")
for name, error in errors.items():
    print(f"{name:18} MSE of these 100: {error.mean():.5f}")

# %% [markdown]
# **What to see.** Step back until the single pictures blend. The truth is the most colourful. Come
# closer again: which mosaics are sharp, and which are as if seen through frosted glass? The gray
# copy is as sharp as the truth. Compare what you would have said about quality with the numbers.
# (They are means of 100 images, which are few: the order may not be that of the table.)
#
# The first eight of them, larger, with the MSE under each.

# %%
rows = {name: picture[:8] for name, picture in pictures.items()} | {"truth": photos[:8]}
numbers = {name: errors[name][:8] for name in pictures}
titles = [data.CLASS_NAMES[label] for label in cifar.y_test[:8]]
figure = plots.side_by_side(rows, numbers, titles)
plots.show(figure, alt="Eight test images in rows: " + ", ".join(rows) + "; MSE under each.")

# %% [markdown]
# **What to see.** Read the numbers along a *row* first: they vary a lot from image to image,
# whatever the model. Some images are hard for everyone who does not see the colours. Then read them
# down a *column*: only there is a comparison of models. Leave the control aside: is the model with
# the lowest mean the lowest in every column?

# %% [markdown]
# ## Step 4 · One image at a time
#
# All models beside gray and truth, with the metrics of this one image under each. Choose another
# image with the slider, or a class; sort the images by a model's errors; enlarge them. Below, a
# handle wipes from the gray over one model's picture to the truth.
#
# *Try to find* an image on which the gray copy wins by far against model A, one on which it loses
# by far, and say what they have in common.

# %% tags=["widget"]
from course_lib import widgets

widgets.compare_models(pictures, photos, classes=cifar.y_test[:100])

# %% [markdown]
# **What to see.** The gray copy is hard to beat on pale images, where there is no colour to miss,
# and on images full of edges, which the models blur. Order the images by a model, the worst first:
# what do its failures share? And does the best picture by MSE have the best SSIM, too? Did you meet
# a picture that you would hang on the wall although its MSE is the higher one? The MSE does not
# know what you like. (On a page that cannot run code you see one still picture, with the
# metrics above each.)

# %% [markdown]
# ## Step 5 · How sure is a difference?
#
# A ranking says of every two neighbours that one is better. For each such pair we take the
# difference of the errors *image by image*, on all 10,000 test images, and its mean with a 95 %
# interval (a bootstrap over images). Image by image removes what you saw in step 3: that some
# images are hard for everyone.
#
# *Expect:* 10,000 images are many. Will the intervals be wide or narrow?

# %% tags=["results", "nbval-check-output"]
from itertools import pairwise

from course_lib import statistics

ranking = sorted(runs, key=lambda name: runs[name].metrics["test"]["mse"])
for better, worse in pairwise(ranking):
    low_errors, high_errors = runs[better].per_image("mse"), runs[worse].per_image("mse")
    gain = statistics.paired_difference(high_errors, low_errors, seed=seed)
    share = np.mean(low_errors < high_errors)
    words = "{:.5f} ({:.5f} to {:.5f})".format(*gain)
    print(f"{better} before {worse}: by {words}; better on {share:.0%} of the images")

# %% [markdown]
# **What to see.** Narrow intervals. Does one of them contain zero? And look at the share of images
# on which the model with the lower mean is the better one: even a clear difference of means may
# leave many images to the loser. (The control sees the colours, so its place in the ranking is not
# to its credit.)
#
# It is tempting to stop here and to write "significantly better". What question was answered?
# *These two sets of weights, on other test images of this kind: would the order stay?* What was not
# asked: *the same two recipes, trained again with another seed: would the order stay?* Every line
# above compares one run with one run, and no number of images makes up for that.
#
# Let us see how wrong one can go. In a **simulated** world two recipes are *exactly* equally good.
# Each training has its luck: it shifts the errors of all images by some 2 %, and changes that of
# each single image by some 20 % as well. (Both are assumptions, made for this cell. Lesson 05
# measures such a spread between trainings.) We compare two trainings by the interval over images,
# and again by the interval over five seeds each.
#
# *Expect:* there is no difference to be found, so a 95 % interval should find one in 5 % of cases.


# %%
random = np.random.default_rng(seed)
real_errors = model.per_image("mse")  # (10000,), of model A


def train_again():
    luck = 1 + 0.02 * random.standard_normal()  # the same for all images of one training
    return luck * real_errors * random.lognormal(sigma=0.2, size=len(real_errors))


image_gaps = [train_again() - train_again() for _ in range(200)]
found = [abs(gap.mean()) > 1.96 * gap.std() / math.sqrt(len(gap)) for gap in image_gaps]
seed_gaps = [[np.mean(train_again() - train_again()) for _ in range(5)] for _ in range(200)]
bounds = [statistics.mean_interval(gaps)[1:] for gaps in seed_gaps]
print(f"a difference found by the interval over images: {np.mean(found):.0%} of 200 pairs")
print(f"by the interval over 5 seeds: {np.mean([low > 0 or high < 0 for low, high in bounds]):.0%}")

# %% [markdown]
# **What to see.** The interval over images finds a "significant" difference most of the time, where
# there is none between the recipes. It is not wrong: those two trainings *do* differ. It answers
# another question. The interval over seeds errs about as often as it promises.
#
# So: **images for weights, seeds for recipes.** A claim such as "architecture A is better than
# architecture B" is about recipes. And so is the oldest question of this course: is a model, as a
# recipe, better or worse than leaving the picture gray? For this, all four were trained with
# several seeds. (Seed 0 on one kind of processor, the others on another that rounds differently. So
# a little of the spread below may be due to the machine.)
#
# *Expect:* how far apart are the scores of one recipe, and does the gray copy lie among them?

# %% tags=["results", "nbval-check-output"]
from course_lib import claims

print("test MSE, seed by seed; mean; 95 % interval over seeds")
for recipe in experiments.PAPER:
    scores = [run.metrics["test"]["mse"] for run in claims.runs_by_seed(recipe.name).values()]
    words = " ".join(f"{mse:.5f}" for mse in scores)
    if len(scores) > 1:
        mean, low, high = statistics.mean_interval(scores)
        words += f"; mean {mean:.5f}; {low:.5f} to {high:.5f}"
    print(f"{recipe.letter:3}{words}")
for name in ("gray copy", "gray-level table"):
    print(f"{name}: {test_rows[name]['mse']:.5f}")

# %% [markdown]
# **What to see.** First the spread: how far apart are the scores of *one* recipe? (It is less than
# in the simulated world, so here the interval over images would err less often than there, yet far
# more often than in 5 % of cases.) Then compare it with the distance to the gray copy. An interval
# that is entirely above the gray copy says more than step 1 did: not only these weights lose to it,
# the recipe does. And entirely below, the recipe wins. The interval is Student's t over seeds and,
# from so few numbers, a wide one (lesson 05). Is it wide enough to reach the gray copy?
#
# Three seeds are the fewest that the rule of step 7 admits. Where an interval over three seeds
# leaves out the gray copy by many of its own widths, a fourth seed would hardly change that. Where
# it ends near it, three were too few to rely on.
#
# And A1 against A2? Whether two intervals overlap or just miss each other says little, for the runs
# of one seed have their start and their order of images in common. So the question belongs to the
# pairs, and lesson 05 compares them that way.

# %% [markdown]
# ## Step 6 · What else is different?
#
# Say that seeds are no problem, and A still comes out before B. Is it because of the architecture?
# Here are the recipes, as the paper gives them. A line that differs is a possible cause.
#
# *Expect:* an architecture was to be compared. How many lines should differ?

# %% tags=["nbval-check-output"]
print(f"{'':15}" + "".join(f"{recipe.letter:>13}" for recipe in experiments.PAPER))
settings = ["framework", "learning_rate", "schedule", "batch_size", "num_epochs"]
for setting in [*settings, "rotation", "gray_weights"]:
    values = [getattr(recipe, setting) for recipe in experiments.PAPER]
    words = ["plateau" if isinstance(value, dict) else str(value) for value in values]
    differs = "  differs" if len(set(words)) > 1 else ""
    print(f"{setting:15}" + "".join(f"{word:>13}" for word in words) + differs)

# %% [markdown]
# **What to see.** Every line differs, the last one hardly: its two grays are hundredths of a level
# apart (lesson 01). Two causes that change together cannot be told apart by their effect: they are
# **confounded**. The framework alone brings several along: different initial weights, a different
# epsilon in Adam.
#
# Only A1 and A2 differ in one line. B and C differ in none of these: whatever separates them is the
# architecture. But "the architecture" is not one thing either.
#
# *Expect:* which of the three has the most parameters, which costs the most to run, and which has
# the largest latent?

# %% tags=["nbval-check-output"]
from course_lib import models_keras, models_torch

model = published.build_model("A1")
latent = model.get_layer("encoder").output.shape[-1]
costs = {"A": (model.count_params(), models_keras.mult_adds(model), latent)}
for letter in "BC":
    model = published.build_model(letter)
    latent = model.encode(next(model.parameters()).new_zeros(1, 1, 32, 32)).numel()
    costs[letter] = (*models_torch.cost(models_torch.layer_table(model))[:2], latent)
print("model  parameters    mult-adds  latent numbers  per number of the input")
for letter, (parameters, mult_adds, latent) in costs.items():
    print(f"{letter:6}{parameters:11,}  {mult_adds:11,} {latent:15,} {latent / 1024:24.2f}")

# %% [markdown]
# **What to see.** Three columns, three different orders. The paper prints both counts, and finds C
# small by its parameters. By mult-adds C is the largest. And the last column holds the biggest
# confound of all: A and B squeeze the picture into a quarter of its numbers, and C expands it to 64
# times as many. C is hardly an autoencoder in the sense of the word: nothing forces it to leave
# anything out. If C is sharper than B, that may be about convolution against full connection, or
# about 65,536 numbers against 256.
#
# *Think:* which run would tell these two apart? Lesson 04 made it on a small scale; exercise 4 asks
# for the idea behind it.

# %% [markdown]
# ## Step 7 · A rule for verdicts
#
# In the results below we check the paper's nine claims against the published runs. To be fair the
# rule has to be fixed *before* we look. Each claim is translated into a number and a range. "A1
# reaches a training loss of about 0.004" becomes: its lowest training loss lies between 0.0035 and
# 0.0045. "A's colours are more vibrant than B's" becomes: colourfulness of A1 minus that of B is
# above 0. Every seed gives the number once more. A number that needs runs of two models, or more,
# takes those of the same seed, so it has as many values as there are seeds that all of them have.
# Then this decides:

# %% tags=["nbval-check-output"]
import inspect

print(inspect.getsource(claims.verdict))
print("MIN_SEEDS =", claims.MIN_SEEDS)

# %% [markdown]
# **What to see.** Three verdicts, and four ways to them. Too few runs, or a number that is not
# available: *cannot yet be decided*. The whole interval over seeds inside the range: *holds*. The
# whole interval outside: *does not hold*. The interval across the edge: again *cannot yet be
# decided*. For a difference with the range "above 0" this says: the interval has to exclude zero.
#
# Three things to argue about, in your group:
#
# - A claim about a *training loss* is checked against the training loss, although this course does
#   not think much of it. A fair test takes a claim as it was meant.
# - "Clearer" is measured here as SSIM, "vibrant" as colourfulness, "best" as test MSE, and A1
#   stands for A. The ranges and these readings are ours. You find them in
#   `course_lib/results/claims.py`; would you have chosen others?
# - One seed never counts, and three may give an interval too wide for a verdict. So a verdict may
#   well be that nothing can be said. Is that a failure of the rule?

# %% [markdown]
# ## Exercises
#
# Each exercise is one function. Write its body, run the cell, then run the check below it. Nothing
# later depends on your answers.
#
# ### Exercise 1 · How much better than nothing (one line)
#
# An MSE alone says little. Return by which fraction it is *below* the gray copy's: 0.25 for a model
# that leaves three quarters of the error, 0 for one that is as good as doing nothing, and a
# negative number for one that is worse. (Weather forecasters call this a *skill score*.)


# %% tags=["exercise"]
def skill(mse, gray_copy_mse):
    """Fraction of the gray copy's error that the model takes away; negative if it adds to it."""
    ### BEGIN SOLUTION
    return 1 - mse / gray_copy_mse
    ### END SOLUTION


# %% tags=["check"]
checks.check("06.skill", skill)

# %% [markdown]
# ### Exercise 2 · An interval over images (three lines)
#
# Write the interval of step 5 yourself, without a bootstrap: the mean of *a* − *b* over the images,
# and 1.96 standard errors to either side. The two models were measured on the same images in the
# same order; make use of it. Return three numbers: the mean, the lower end, the upper end.


# %% tags=["exercise"]
def paired_interval(a, b):
    """Errors (N,) and (N,) of the same images -> mean of a - b, lower end, upper end."""
    ### BEGIN SOLUTION
    difference = a - b
    half_width = 1.96 * difference.std(ddof=1) / np.sqrt(len(difference))
    return difference.mean(), difference.mean() - half_width, difference.mean() + half_width
    ### END SOLUTION


# %% tags=["check"]
checks.check("06.paired_interval", paired_interval)

# %% [markdown]
# ### Exercise 3 · What a study can find (a simulation)
#
# In lesson 05 you computed the smallest number of seeds for which half of the interval is shorter
# than the difference. That is not enough: seeds scatter, and about half of such studies would miss
# it. The share of studies that find a difference which is there is called the **power**.
#
# Simulate 1,000 studies. In each, `n` seeds give `n` differences, drawn from a normal distribution
# with mean `effect` and standard deviation `spread`. A study knows its own n numbers only: their
# mean, and their standard deviation (`ddof=1`). It finds the effect if its 95 % interval, mean ±
# *t* · standard deviation / √*n*, excludes zero on either side. Here *t* is the 97.5 % point of
# Student's distribution, `stats.t.ppf(0.975, n - 1)`. Draw with `np.random.default_rng(seed)`.
#
# When it passes, find out how many seeds give a power of 80 % where the effect is as large as the
# spread, and where it is half as large.

# %% tags=["exercise"]
from scipy import stats


def power(effect, spread, n, seed):
    """Share of 1,000 studies with n seeds each whose 95 % interval excludes zero, from 0 to 1."""
    ### BEGIN SOLUTION
    studies = np.random.default_rng(seed).normal(effect, spread, (1000, n))
    half_widths = stats.t.ppf(0.975, n - 1) * studies.std(axis=1, ddof=1) / np.sqrt(n)  # (1000,)
    return np.mean(np.abs(studies.mean(axis=1)) > half_widths)
    ### END SOLUTION


# %% tags=["check"]
checks.check("06.power", power)

# %% [markdown] tags=["lesson-only"]
# <details><summary>How many seeds? (open it when you have your numbers)</summary>
#
# About 10 where the effect is as large as the spread, and 34 where it is half as large: half the
# effect takes more than three times the seeds. The share found in 1,000 studies is itself uncertain
# by one or two per cent, so with another `seed` your counts may be one or two off.
#
# </details>

# %% [markdown]
# ### Exercise 4 · Design: the one experiment (open)
#
# Two experiments, `one` and `other`, gave different scores. They differ in exactly two settings,
# and so have two possible causes. You can afford *one* more run. From a list of candidates choose
# the one that tells the two causes apart, and return its index.
#
# An experiment is a dict of settings, for example
#
#     {"latent": 256, "learning_rate": 1e-3, "rotation": 0.0, "batch_size": 32}
#
# Think first: what has to be true of a run, so that a changed score can have one cause only, and
# that cause is one of the two? In the checks exactly one candidate will do. You may compare all
# settings in a loop; any way is right.


# %% tags=["exercise"]
def separating_experiment(one, other, candidates):
    """Index of the candidate that separates the two settings in which `one`, `other` differ."""
    ### BEGIN SOLUTION
    for index, candidate in enumerate(candidates):
        changed = [setting for setting in one if candidate[setting] != one[setting]]
        if len(changed) == 1 and candidate[changed[0]] == other[changed[0]]:
            return index
    ### END SOLUTION


# %% tags=["check"]
checks.check("06.separating_experiment", separating_experiment)

# %% [markdown] tags=["lesson-only"]
# <details><summary>Exercise 4: why this one (open it when you have yours)</summary>
#
# The run has to be like `one` in all settings but one, and like `other` in that one. Then it is
# like `other` in all but one as well: it is the corner between them. Its score against that of
# `one` is the effect of the first cause, against that of `other` the effect of the second. A run
# that changes both is `other` again. A run that changes a third setting brings a new confound. And
# a third *value* of one cause (a rate of 0.01 between runs at 0.001 and 0.0001) says what happens
# elsewhere, not what happened here. One run is still not enough if the two causes *interact*: then
# you need the fourth corner too, and a few seeds at each.
#
# </details>

# %% [markdown]
# ### Exercise 5 · In your own words
#
# Write the paper's conclusion again, from the tables of this lesson, in six to ten sentences: which
# model is better at what, how sure that is, and what you would run next.
#
# | points | for |
# |---|---|
# | 1 | numbers on test images, each with its baseline, its split and its number of seeds |
# | 1 | telling blur from wrong colour: the luma part, and the error with the right gray |
# | 1 | naming at least two confounds between the models you compare |
# | 1 | saying what cannot yet be decided, which run would decide most, and with how many seeds |

# %% [markdown] tags=["written"] points=4
# *Your answer here.*

# %% [markdown]
# ## Results
#
# The nine claims, by the rule of step 7. Under each are the numbers that it was translated into:
# what we measured, the range that was claimed, what our number rests on, and the verdict on this
# part. A claim holds if all its parts do, and does not hold if one of them does not. Otherwise it
# remains open.

# %% tags=["results", "nbval-check-output"]
verdicts = []
for claim in claims.CLAIMS:
    verdict, findings = claims.judge(claim)
    verdicts.append(verdict)
    print(f"\n{claim.number}. {claim.says}\n   {verdict.upper()}")
    for part, value, rests_on, word in findings:
        number = "no number" if math.isnan(value) else claims.four_digits(value)
        print(f"{number:>12}  {part.what}")
        print(f"{'':14}claimed {part.claimed}; {rests_on}: {word}")

# %% [markdown]
# **What to see.** Below each number is the interval over its seeds. If it lies across an end of the
# range, that part remains open: where does this happen? Across which end? And where is the mean:
# well inside the range, outside, or so near to the end that it could be on either side? A claim
# with several parts stands or falls with the weakest: where does one part hold and another not? Is
# it then fair to the paper that the whole claim does not hold?
#
# Two intervals are odd. That of a quotient of distances (claim 4) reaches below zero, where no such
# quotient can be. Student's t does not know that, and from three numbers it is wide; the claim asks
# about the upper end only. And the minutes of claim 7 have a wide one, in which the luck of the
# seeds plays a small role: seed 0 was trained on one kind of processor, and there B took longest;
# seeds 1 and 2 were trained on another, and there C did. More seeds would not settle this. Time
# depends on the machine as much as on the model.
#
# *Counted* needs no training: the numbers of parameters are facts. *No number* means that a run is
# missing, or cannot give what is asked.
#
# Claim 9 is the paper's wish for the future: no run, no verdict. And note what is *not* among the
# nine: that any model is better than the gray copy. The paper never asks. We do, image by image,
# with a 95 % interval over images. (On the test images of your profile: with fewer than 10,000 the
# means differ a little from those of step 1.)

# %% tags=["results", "nbval-check-output", "key-number"]
per_image = {name: np.mean((p - test) ** 2, axis=(1, 2, 3)) for name, p in coloured.items()}
print(f"gain in MSE on {len(test):,} test images, with the 95 % interval over images")
for baseline in ("gray copy", "gray-level table"):
    for name, run in runs.items():
        mse = run.per_image("mse")[cifar.test_indices]  # (N,)
        gain, low, high = statistics.paired_difference(per_image[baseline], mse, seed=seed)
        print(f"{name:14} gains {gain:8.5f} ({low:.5f} to {high:.5f}) on the {baseline}")
off = [errors[name].mean() - run.metrics["first_100_test"]["mse"] for name, run in runs.items()]
print("our 100 predictions score what the records say:", np.allclose(off, 0, atol=1e-4))
print("gray copy in the band 0.0060 to 0.0072:", 0.006 < per_image["gray copy"].mean() < 0.0072)
count = len(verdicts) - verdicts.count(claims.OPEN)
print(f"claims of the paper on which the published runs give a verdict: {count} of {len(verdicts)}")

# %% [markdown]
# **What to see.** A *negative* gain means that the model is worse than leaving the picture gray, or
# than one colour per gray level, which is harder to beat. (The control sees the colours, so its
# gain is not to its credit.) If an interval is entirely on one side of zero, that is settled for
# *these weights*. What other seeds would give is another question, and step 5 asked it. The last
# line counts the paper's claims that have a verdict. Which of the others does an interval leave
# open, and which a missing run?
#
# Twice `True`: the models that you loaded score what their records say, and the baseline is where
# it should be. If one says `False`, something in the weights or the data is not what it should be.
#
# <details><summary>Exercise 5: an answer to compare with (open it when you have yours)</summary>
#
# Put your numbers where a step is named in brackets, and choose between the words with a slash.
#
# "On the 10,000 test images A1 has a mean MSE of (step 5) and A2 of (step 5), each over (step 5)
# seeds, B of (step 5) and C of (step 5), each over (step 5). A picture left gray has (step 1) and
# one colour per gray level (step 1), so (names) score worse than doing nothing and (names) better;
# the intervals over seeds say so of the recipes / of (names) only. Most of what separates B from C
# is wrong gray / is colour: their luma parts are (step 1). In A most / little of the blur comes
# with the bottleneck, or with its training: the control, which sees the colours, still has (step 2)
# of luma error against (step 2), and what it has less may be due to the colours, or to the epoch
# that was kept. With the right gray given back, on the test images of my profile, A1, B and C have
# (step 2). (Names) are below the gray-level table, and so know something about colour that the gray
# level does not tell; whether the sharper of B and C has the better colours, too, is a matter of
# one set of weights each, for step 2 gave the right gray back to no other seed. By the intervals
# over images (step 5) the order of these weights would stay / might change on other images; of
# other trainings they say nothing, and the intervals over seeds, from (step 5) seeds each, do.
# Neither says that it is the network: A1 differs from B in framework, rate, schedule, batch,
# epochs, rotation and gray, and C from B in the size of its latent as well as in its kind. So 'A is
# best overall' cannot yet be decided / holds / does not hold (Results). Next I would train lesson
# 04's 'C, halved twice' at full length, by B's recipe: its latent has 256 numbers, so the size no
# longer separates it from B, though B's dense layers and their `relu` still do; and I would take as
# many seeds as exercise 3 gives for a power of 80 %, from the smallest difference that I care about
# and the spread between seeds."
#
# </details>

# %% [markdown]
# ## What we have seen
#
# - A fair table has the same images and the same metrics for all, the baselines among them, and
#   says split, seeds and length of training.
# - "Best" depends on the column. Luma and chroma parts say *what* is wrong; a control that changes
#   one cause says *why*.
# - Compare image by image. The interval over images is about these weights; only an interval over
#   seeds is about recipes.
# - A1 differs from B and C in framework, rate, schedule, batch, epochs, rotation and gray, apart
#   from the network; B and C differ in the size and the kind of their latent. Such a comparison
#   cannot say what made the difference.
# - A wrong gray reappears as chroma. Colours are compared after the right gray has been given back.
# - Parameters, mult-adds and size of the latent rank the models in three different ways.
# - A rule fixed before looking keeps one honest, and "cannot yet be decided" is a result.
#
# **Next:** continue with the plan that you made in exercise 5. (Lesson 07, beyond the paper, is
# still to be written.)

# %% [markdown]
# ## Further reading
#
# - Durant, Kotta and Mazer (2023). *Converting Grayscale Images to RGB Images Using Various
#   Autoencoder Architectures.* 6 December 2023. The paper whose claims are judged here.
# - Bouthillier, X., and others (2021). Accounting for Variance in Machine Learning Benchmarks.
#   *Proceedings of Machine Learning and Systems 3.* arXiv:2103.03098. Where the spread between
#   trainings comes from, and how to compare in spite of it.
# - Lipton, Z. C., and Steinhardt, J. (2019). Troubling Trends in Machine Learning Scholarship.
#   *ACM Queue* 17(1). arXiv:1807.03341. What goes wrong when gains are not traced to their source.
# - Efron, B., and Tibshirani, R. J. (1993). *An Introduction to the Bootstrap.* Chapman and Hall.
# - Wang, Z., Bovik, A. C., Sheikh, H. R., and Simoncelli, E. P. (2004). Image Quality Assessment:
#   From Error Visibility to Structural Similarity. *IEEE Transactions on Image Processing* 13(4),
#   pages 600 to 612. doi:10.1109/TIP.2003.819861. SSIM.
# - Sharma, G., Wu, W., and Dalal, E. N. (2005). The CIEDE2000 Color-Difference Formula:
#   Implementation Notes, Supplementary Test Data, and Mathematical Observations. *Color Research
#   and Application* 30(1), pages 21 to 30. doi:10.1002/col.20070.
# - Hasler, D., and Süsstrunk, S. E. (2003). Measuring Colorfulness in Natural Images. In *Human
#   Vision and Electronic Imaging VIII*, Proceedings of SPIE 5007, pages 87 to 95.
#   doi:10.1117/12.477378.
