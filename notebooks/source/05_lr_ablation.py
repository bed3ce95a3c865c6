# %% [markdown]
# # 05 · The learning-rate ablation
#
# **About 70 minutes, half of them for the exercises.** Six narrow networks are trained here, in
# about a minute on two CPU cores.
#
# At the end of this lesson you will be able to
#
# - say line by line what a plateau schedule does, and what patience, min_delta, cooldown and floor
#   are;
# - find out from a recorded curve when a schedule would have acted;
# - distinguish four other schedules from it, and say what each needs to know beforehand;
# - say which question an interval over images answers, and which an interval over seeds;
# - plan a small comparison before you run it, and let an interval decide.
#
# You need lesson 02 (the three-layer model) and a little statistics: a mean, a standard deviation,
# an interval.

# %% tags=["parameters"]
profile = "quick"
seed = 0
device = "cpu"

# %% [markdown]
# `seed` is the first of three seeds that step 5 trains with. `device` has no effect: Keras uses a
# GPU by itself if it finds one.

# %% [markdown]
# ## The question
#
# The paper trains its three-layer model twice. Run **A1** lowers the learning rate when progress
# stalls. Run **A2** keeps it constant. Everything else is equal. Removing one part and leaving
# everything else unchanged is called an **ablation**: it shows what the part was worth. The paper
# says that without the schedule the model becomes slightly worse. This rests on one run of each.
#
# **Does the schedule make the model better, and how would we know?**
#
# First the data, split as in every lesson (training images to learn from, validation images to
# steer by, test images for the end), and the two baselines of lesson 01, scored on the validation
# images.
#
# *Before you continue, guess:* train the same model twice, with nothing changed but the random
# numbers it starts from. In which digit will the two scores differ?

# %% tags=["needed"]
import numpy as np

from course_lib import baselines, checks, data, experiments, grayscale, plots, profiles, statistics

# %% [markdown]
# Now the numbers to beat. Have you made your guess?

# %% tags=["nbval-check-output"]
cifar = data.load_cifar10(profiles.get(profile).data)
split = data.split(cifar)
validation = data.as_float(split.x_validation)  # (N, 32, 32, 3)
gray = grayscale.to_gray(validation)  # (N, 32, 32)
print("train", split.x_train.shape, "validation", validation.shape)
for colour in (baselines.gray_copy, baselines.gray_level_table):
    mse = np.mean((colour(gray) - validation) ** 2)
    print(f"{colour.__name__:16} MSE on {len(gray)} validation images: {mse:.5f}")

# %% [markdown]
# **What to see.** Two numbers to beat. Keep your guess until step 5: a difference between two runs
# is worth something only if it is larger than what chance alone makes.

# %% [markdown]
# ## Step 1 · A rule that watches the curve
#
# The *learning rate* says how far each step of gradient descent goes. Large steps are quick, but
# near a minimum they jump back and forth. Small steps settle, but are slow on the way there. So it
# seems wise to begin large and to end small. But when to change?
#
# A **plateau schedule** lets the training say so. After every epoch it looks at the validation
# loss, and when that has stopped falling it lowers the rate. Keras calls the rule
# `ReduceLROnPlateau`. The course has written the same rule in plain Python, and a test checks that
# the two agree. Here is what it does after every epoch. Before the first one `best` is infinity,
# and both counts are 0.
#
# *Read before you continue:* what happens in an epoch whose loss is a tiny bit lower than the best
# so far?

# %% tags=["nbval-check-output"]
import inspect

from course_lib import published, schedules

print(inspect.getsource(schedules.ReduceOnPlateau.__call__))

# %% [markdown]
# **What to see.** Four points, from top to bottom.
#
# 1. `cooldown_left`: for some epochs after a fall nothing is counted. For how many? The code takes
#    one off the counter *before* it counts, so a cooldown of *c* skips *c* - 1 epochs, and a
#    cooldown of 1 does nothing, as in Keras. The paper's *cooldown* is 0, so these three lines
#    never act.
# 2. An epoch counts as **better** if its loss is below the best so far by more than *min_delta*
#    (0.0001 in the paper's run: Keras' default). Only then does `best` move, and the count of bad
#    epochs starts again. A tiny bit lower is not better.
# 3. Otherwise it is one more bad epoch. When there are *patience* of them in a row, the rate
#    **falls**: it is multiplied by *factor*. The paper's is √0.1, so that two falls make a tenth.
# 4. `max(...)` is the **floor**, *min_lr*. In the paper it is 0.0000005. Can it ever be reached?
#    The first epoch is always better, so with a patience of 5 the earliest falls are after epochs
#    6, 11, 16, 21 and 26. In 30 epochs there are five at most, and it would take seven.
#
# Now feed it a curve that we made up. *Expect:* patience is 3 here and min_delta is 0.0001. In
# which epoch does the rate fall?

# %% tags=["nbval-check-output"]
curve = [0.0200, 0.0150, 0.0140, 0.01395, 0.01392, 0.01388, 0.0141, 0.0140, 0.0138, 0.0132]
schedule = schedules.ReduceOnPlateau(patience=3, min_delta=1e-4)
rate = 1e-3
for epoch, loss in enumerate(curve, start=1):
    next_rate = schedule(loss, rate)
    words = f"not better, {schedule.num_bad_epochs} in a row"
    if next_rate < rate:
        words = f"not better, and patience is over: rate {rate:.2g} -> {next_rate:.2g}"
    elif schedule.best == loss:
        words = "better"
    print(f"epoch {epoch:2}: loss {loss:.5f}, best {schedule.best:.5f}, {words}")
    rate = next_rate

# %% [markdown]
# **What to see.** Two things that surprise many people.
#
# Look at epochs 4 to 6. None of them gains min_delta on the epoch before it. But the rule compares
# with the *best*, and the best has not changed since epoch 3. So small steps add up, and in epoch 6
# their sum is enough.
#
# Now look at epoch 9. Its loss is the lowest so far, and exactly there the rate falls. It was
# lower, but not by more than min_delta. To this schedule "no progress" means "less progress than I
# asked for".
#
# min_delta is an *absolute* number, in units of the loss. At a loss of 0.01 it asks for one per
# cent. Had we computed the loss on bytes from 0 to 255, it would be 65,025 times as large, and the
# same min_delta would ask for next to nothing. PyTorch has a scheduler of the same name whose
# threshold is relative by default, and which waits one epoch longer: the same name, a different
# rule.

# %% [markdown]
# ## Step 2 · Patience and min_delta decide
#
# Now a curve that was really recorded. The course ships two runs of the paper's model at its full
# width on 5,000 training images, for 30 epochs: one with the schedule, one without. Same images,
# same seed.
#
# We take the run *without* a schedule and ask: when would the rule have acted, had it been
# watching? `schedules.replay` feeds it the recorded losses. The table gives the epoch of the first
# fall.
#
# *Expect:* less patience and a larger min_delta make it act earlier. By how much?

# %%
plateau_5k = published.load("three_layer_plateau_5k")
constant_5k = published.load("three_layer_constant_5k")
losses = constant_5k.losses()
deltas = [0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3]
print("min_delta   ", "".join(f"{delta:>8g}" for delta in deltas))
for patience in (1, 2, 3, 5, 8):
    firsts = []
    for delta in deltas:
        rule = schedules.ReduceOnPlateau(patience=patience, min_delta=delta)
        rates = schedules.replay(rule, losses, 1e-3)  # one per epoch
        firsts.append(next((str(i) for i, rate in enumerate(rates) if rate < 1e-3), "never"))
    print(f"patience {patience:3}", "".join(f"{first:>8}" for first in firsts))

# %% [markdown]
# **What to see.** Go along a row, then down a column. Nothing was trained here; it is one and the
# same curve. How far apart are the earliest and the latest answer to "when does it act?" Two small
# numbers decide it, and one of them, min_delta, is easily left at its default by somebody who does
# not know that it is there.
#
# Did you find a row in which a *larger* min_delta acts *later*? It can: the best then stays higher
# for longer, so a later loss may beat it by enough and start the count again.
#
# The sliders replay the rule on the same curve, now with all of its five numbers. In the first
# chart each vertical line is a fall. The second chart draws the rate that results, on a logarithmic
# axis, beside four schedules that do not look at the curve at all: step 3 is about them.
#
# *Expect:* cooldown is 0 in the paper, and its floor was never reached. So will these two sliders
# do anything?
#
# *Try:* find a patience at which the rule falls once and never again. Then move min_delta by one
# notch. Take a patience of 1, and find out what a cooldown of 3 does to a row of falls close
# together. Is a cooldown of 1 any different from 0?

# %% tags=["widget"]
from course_lib import widgets

widgets.explore_schedules(losses)

# %% [markdown]
# **What to see.** The recorded validation loss, the falls on it, and the rates. A cooldown never
# touches the first fall, only those after it: with a patience of 1 it spreads them out. And there
# the floor stops what would otherwise keep falling. (On a page that cannot run code you see one
# still picture, with the paper's settings.)
#
# Trust a replay **up to its first fall** and no further. From there on the network would have been
# trained with another rate, and its curve would have been a different one.
#
# That gives us a test. The two published runs started alike and saw the same images in the same
# order, so up to the first fall they should be *one* run. Are they?

# %%
rates = schedules.replay(schedules.ReduceOnPlateau(**experiments.get("A1").schedule), losses, 1e-3)
first = next((epoch for epoch, rate in enumerate(rates) if rate < 1e-3), "none")
histories = {"plateau": plateau_5k.history, "constant": constant_5k.history}
pairs = zip(*histories.values(), strict=True)
parted = [a["epoch"] for a, b in pairs if a["validation_loss"] != b["validation_loss"]]
falls = [(event["epoch"], event["what"]) for event in plateau_5k.manifest["events"]]
print("first fall predicted by the replay: end of epoch", first)
print("falls recorded: end of epoch", [epoch for epoch, _ in falls] or "none")
print("the two curves first differ in epoch", parted[0] if parted else "none")
plots.show(plots.loss_curves(histories, {}, falls), alt="Losses of the plateau and constant run.")
for name, (*_, end) in histories.items():
    print(f"{name} ends: train {end['train_loss']:.5f}, validation {end['validation_loss']:.5f}")

# %% [markdown]
# **What to see.** If all went as it should, the predicted epoch is that of the first recorded fall,
# and the curves separate in the epoch after it. Before that the two runs are not "similar". They
# are equal, digit for digit. Whatever the schedule is worth has to come from the epochs after its
# first fall. (A GPU, or many cores at once, may add up in another order from run to run. Then
# curves separate earlier, by rounding alone, and the prediction can be off.)
#
# Look at the right edge too, where the curves lie close together; the two lines below the picture
# give their last values. Which run ends with the lower *training* loss, and which with the lower
# *validation* loss? Must it be the same one? The paper looked at the first only.
#
# There is a trap for anybody who runs an ablation: had the rule never acted, the two runs would be
# identical, and "the schedule does not matter" would be a statement about nothing.

# %% [markdown]
# ## Step 3 · Other ways to lower a rate
#
# Most schedules do not watch anything. They are functions of the epoch, fixed before the training
# starts:
#
# - **step**: divide by 10 at set epochs;
# - **cosine**: half a wave of the cosine, from the first rate down to zero (Loshchilov and Hutter,
#   2017);
# - **one-cycle**: first up, then down (Smith, 2018). The low start keeps the first steps, taken
#   with random weights, from doing harm, and so allows a higher peak. (Ours keeps the peak of the
#   others.)
#
# *Expect:* four regular pictures, and one (the recorded rates of the plateau run) with falls where
# the data put them, if any.

# %%
from matplotlib.figure import Figure

epochs = np.arange(30)
rates = {"constant": 1e-3 + 0 * epochs, "step": 1e-3 * 0.1 ** (epochs // 10)}
rates["cosine"] = 1e-3 * (1 + np.cos(np.pi * epochs / 30)) / 2
rates["one-cycle"] = np.interp(epochs, [0, 9, 30], [4e-5, 1e-3, 0])  # straight lines between
rates["plateau"] = [epoch["learning_rate"] for epoch in plateau_5k.history]
figure = Figure(figsize=(9, 2.2), layout="constrained")
for ax, (name, values) in zip(figure.subplots(1, 5, sharey=True), rates.items(), strict=True):
    ax.step(np.arange(1, len(values) + 1), values, where="mid", color="black")
    ax.set(title=name, xlabel="epoch")
figure.axes[0].set_ylabel("learning rate")
plots.show(figure, alt="Learning rate by epoch: constant, step, cosine, one-cycle and plateau.")

# %% [markdown]
# **What to see.** Each picture is a belief. *Constant* believes nothing. *Step* knows the epochs
# in which to fall. *Cosine* and *one-cycle* only have to know the last epoch, but that one they
# must know: stop them early and the rate is still high. *Plateau* knows neither. It asks the
# validation images.
#
# Asking has a price. A schedule that looks at images takes part in choosing the model, and so these
# images are no longer fresh for judging it. The paper gave Keras the *test* set as validation data.
# So its test set drove the schedule of A1 and not that of A2, and then both were judged by it.

# %% [markdown]
# ## Step 4 · A1 and A2, one run of each
#
# Now the paper's own pair at the paper's size: 45,000 images, 30 epochs, one seed. Its figure 7 is
# the loss of A2 by epoch; we draw A1 in the same picture. Up to A1's first fall the two are one run
# again.
#
# *Expect:* the training loss falls to the end. And the validation loss? (The vertical lines are
# A1's falls, and the number beside each is the rate from there on.)

# %% tags=["results"]
a1, a2 = (published.load(f"three_layer_{rate}") for rate in ("plateau", "constant"))
runs = {run.label: run for run in (a1, a2)}
baseline = {"gray copy": a2.metrics["gray_copy_validation"]["mse"]}
falls = [(event["epoch"], event["what"].split()[-1]) for event in a1.manifest["events"]]
figure = plots.loss_curves({label: run.history for label, run in runs.items()}, baseline, falls)
plots.show(figure, alt="Losses of A1 and A2 by epoch, the falls of A1's rate, and the gray copy.")
for label, run in runs.items():
    print(f"{label}: test MSE {run.metrics['test']['mse']:.5f}")
for name in ("gray_copy", "gray_level_table"):
    print(f"{name.replace('_', ' ')}: test MSE {a2.metrics[f'{name}_test']['mse']:.5f}")

# %% [markdown]
# **What to see.** Ask three questions about the picture. Which of the curves is still falling at
# the right edge? How far apart are the solid line and the dashed one of each run? And on which side
# of the gray copy do the solid lines end? The paper reports dashed lines only: its claim is about
# the *training* loss, which it gives as about 0.004 at best for A1. Does our A1 get there? And what
# has it gained, by then, on images it was not trained on?
#
# The test MSEs below the picture do not belong to its right edge. A published run keeps the weights
# of its best epoch on the validation images, the lowest marker of its solid line, and these were
# scored. Find both markers. Which of them is before the curves separate?
#
# Now the pictures. The paper's figure 2 shows the first 100 test images as A2 colours them; here it
# does so with those weights. *Expect:* what did lesson 02 teach about a code of 256 numbers?

# %%
first_100 = data.as_float(cifar.x_test[:100])  # (100, 32, 32, 3)
coloured = published.predict(a2.model(), grayscale.to_gray(first_100))  # (100, 32, 32, 3)
figure = plots.mosaic(coloured, title=a2.label)
plots.show(figure, alt="The first 100 test images as A2 colours them: blurred, with dull colours.")

# %% [markdown]
# **What to see.** Shapes you can name, no fine detail, and colours mostly between brown, green and
# blue. Could you tell from such a mosaic whether a schedule was used? Differences of this size
# cannot be judged by eye, and two recipes should not be ranked by pictures. So we count.
#
# The course keeps the error of both runs on each of the 10,000 test images. We subtract image by
# image, because some images are hard for both, and take the mean. A bootstrap over images gives an
# interval (lesson 01 did the same for the two baselines). Then the interval decides, by a rule that
# we fix beforehand.
#
# *Expect:* with 10,000 images the interval will be narrow.


# %% tags=["results", "nbval-check-output"]
def verdict(low, high):
    if low <= 0 <= high:
        return "the interval contains 0: this cannot yet be decided"
    return "the first is " + ("better" if high < 0 else "worse") + ": the interval leaves 0 out"


for name in ("gray_copy", "gray_level_table"):
    print(f"test MSE {a1.metrics[f'{name}_test']['mse']:.6f}: {name.replace('_', ' ')}")
for run in (a1, a2):
    print(f"test MSE {run.metrics['test']['mse']:.6f}: {run.label}, seed {run.manifest['seed']}")
mean, low, high = statistics.paired_difference(a1.per_image(), a2.per_image())
print(f"A1 minus A2: {mean:+.6f} ({low:+.6f} to {high:+.6f})")
print(verdict(low, high))

# %% [markdown]
# **What to see.** Two scores, with six decimals so that their difference shows; a mean, a 95 %
# interval, and a verdict. Before you believe it, ask two things. The first: *what* was scored? The
# best epoch of each. A fall acts from the epoch *after* it on.
#
# *Expect:* how many falls of A1 contributed to its number?

# %% tags=["nbval-check-output"]
for run in (a1, a2):
    best = run.manifest["weights_epoch"]
    falls = [event["epoch"] for event in run.manifest["events"]]
    acted = [epoch for epoch in falls if epoch < best]
    print(f"{run.manifest['letter']}: weights of epoch {best}; falls after {falls or 'no epoch'}")
    print(f"    falls that had a part in these weights: {len(acted)} of {len(falls)}")

# %% [markdown]
# **What to see.** A fall at the end of the best epoch, or later, trained nothing that was scored,
# however well it shows in the curve. So the verdict above is about the falls before it, and about
# no others. And if A2's best epoch lies before A1's first fall, A1 has passed through the very same
# weights: the verdict then says that A1 found a better epoch *afterwards*, and that A2 did not. In
# another pair one lucky jump of either curve may choose another epoch. Step 5 scores the *last*
# epoch instead, which nobody chooses.
#
# The second: what would change if the measurement were repeated? The bootstrap draws different
# *images*. It does not train again. So its verdict is about these two sets of weights:
#
# | interval over | treats as given | what varies | the question it answers |
# |---|---|---|---|
# | images | two trained networks | the images they meet | which of *these two files* is better? |
# | seeds | two recipes | start, order of images, so the network | which *recipe* is better? |
#
# The paper's claim is about recipes. For recipes we have seen one pair of each size so far, and two
# sizes are not two seeds: the spread of a single number is unknown. More images do not help: they
# make the answer to the first question sharper, and say nothing about the second.
#
# How large is the difference between two runs of the *same* recipe? That we can find out.

# %% [markdown]
# ## Step 5 · A small honest study
#
# The plan, **written before the runs**, so that no result can talk us into another:
#
# - **Question.** Does the plateau schedule change the test MSE of a narrow three-layer model?
# - **Equal:** everything of the paper's recipe A1 (Adam, first rate, batch size, factor, min_delta,
#   floor) except for what follows.
# - **Different from the paper:** the profile's channels and the sample's training images, so that
#   it runs here; in the quick profile ten epochs, and a patience of 1. A patience of 5 could hardly
#   act in ten epochs, and we would compare a run with itself. So this is a study of an *impatient*
#   schedule in a *short* training. (With the profile `full`: 30 epochs, patience 5.)
# - **Runs:** three seeds, each with and without the schedule. Same seed, same start and same order
#   of images: the runs come in pairs.
# - **Score:** MSE on the test images after the *last* epoch. No epoch is chosen. The validation
#   images drive the schedule and nothing else.
# - **Verdict:** the 95 % interval of Student's t over the three paired differences. If it contains
#   0, the question cannot yet be decided. A difference of exactly 0 is a seed in which the schedule
#   never acted, or acted only after the last epoch, when nothing was trained any more; it counts
#   like the rest.
#
# *Write down now* what you expect the verdict to be.

# %%
from course_lib import seeding
from course_lib.models_keras import build_three_layer_autoencoder, keras
from course_lib.training import fit_keras

recipe = experiments.get("A1")
num_epochs, patience = {"quick": (10, 1), "full": (30, 5)}[profile]
fixed = {"num_epochs": num_epochs, "batch_size": recipe.batch_size, "progress": False}


def train(seed, callbacks=()):
    seeding.seed_everything(seed)
    model = build_three_layer_autoencoder(profiles.get(profile).channels)
    model.compile(keras.optimizers.Adam(recipe.learning_rate), loss="mse")
    images = split.x_train, split.x_validation
    return model, fit_keras(model, *images, callbacks=callbacks, seed=seed, **fixed)


# %% [markdown]
# **What to see.** One function: build, compile, fit. Two runs can differ only in its two arguments.
# `fit_keras` is `model.fit` with a record kept; lesson 02 has the details.
#
# Now the three runs without a schedule. (Each takes some seconds, and on a busy machine half a
# minute; a line appears as each ends.)

# %%
seeds, without = [seed, seed + 1, seed + 2], []
for one in seeds:
    without.append(train(one))  # (model, record)
    first, *_, last = without[-1][1].losses()
    print(f"seed {one}: validation MSE {first:.5f} after one epoch, {last:.5f} after the last")

# %% [markdown]
# **What to see.** Learning happens. (In the quick profile it is far from finished: these networks
# are narrow, and have seen few images for a short time.) Compare the last numbers of the three
# lines. Nothing but the seed differs, and already the numbers do. In which digit? That is the
# spread that pairing is meant to remove.
#
# Now the three runs with it. *Expect:* when will it act, if at all?

# %%
settings = {**recipe.schedule, "patience": patience}
scheduled = []
for one in seeds:
    model, record = train(one, [keras.callbacks.ReduceLROnPlateau(**settings)])
    scheduled.append((model, record))
    falls = [event["epoch"] for event in record.events]
    words = f"the rate fell after epochs {falls}" if falls else "the rate never fell"
    print(f"seed {one}: validation MSE after the last epoch {record.losses()[-1]:.5f}, {words}")

# %% [markdown]
# **What to see.** The same rule with the same settings need not act in the same epoch for every
# seed, nor act at all: it watches a noisy number. A seed in which it never acted stays in the
# study. We asked what the *recipe* is worth, and "it may do nothing" is part of what it is. The
# plan took a short patience so that the rule would act. In how many seeds did it, and how many
# epochs were left? In the others a run is compared with itself.
#
# The picture has a panel for each seed. A vertical line marks a fall; a panel without one shows the
# same curve twice.
#
# *Expect:* two curves that are one, up to the first fall.

# %%
figure = Figure(figsize=(9, 3), layout="constrained")
panels = figure.subplots(1, 3, sharey=True)
for ax, one, (_, base), (_, ours) in zip(panels, seeds, without, scheduled, strict=True):
    ax.plot(range(1, num_epochs + 1), base.losses(), "o-", mfc="white", ms=9, label="constant")
    ax.plot(range(1, num_epochs + 1), ours.losses(), "ks--", ms=4, label="plateau")
    for event in ours.events:
        ax.axvline(event["epoch"], color="0.5", linestyle="-.")
    ax.set(title=f"seed {one}", xlabel="epoch", yscale="log")
panels[0].set_ylabel("validation MSE")
panels[0].legend(frameon=False)
plots.show(figure, alt="Validation loss by epoch, constant and plateau, for three seeds.")

# %% [markdown]
# **What to see.** Black squares are in the middle of white circles up to the first vertical line.
# Only after it can they move off. How far do they? If the fall comes late, or the rate mattered
# little, they stay inside the circles: the schedule has acted, and has changed next to nothing.
# This is why pairs are worth having: what the seed did to both is the same, and drops out of the
# difference.
#
# Now the question that step 4 left open. We compare the three runs *without* a schedule with each
# other, on the validation images, with the interval over images. They differ in their seed only.
# There is no better recipe among them to be found.
#
# *Expect:* so each interval should contain 0. Or should it?

# %%
from itertools import combinations

scores = []
for model, _ in without:
    prediction = published.predict(model, gray)  # (N, 32, 32, 3)
    scores.append(((prediction - validation) ** 2).mean(axis=(1, 2, 3)))  # (N,)
for i, j in combinations(range(3), 2):
    mean, low, high = statistics.paired_difference(scores[i], scores[j], seed=seed)
    print(f"seed {seeds[i]} minus seed {seeds[j]}: {mean:+.5f} ({low:+.5f} to {high:+.5f})")
    print("   ", verdict(low, high))
recorded = a1.metrics["test"]["mse"] - a2.metrics["test"]["mse"]
print(f"for comparison, step 4, A1 minus A2: {recorded:+.5f}")

# %% [markdown]
# **What to see.** Where a line says that 0 is left out, it is right, but of no use to us. These two
# networks *are* different, and the images suffice to see it. It is no difference of recipes, for
# there is one recipe here. Whoever compares one run of A1 with one run of A2 by an interval over
# images can find the same, and will attribute it to the schedule.
#
# Now compare the last line, the difference of step 4, with the three above it. Is it larger than
# what the seed alone can do? (That pair was wider, trained longer, and scored on other images:
# compare the sizes and not the digits. And it had its seed in common, so a part of such a spread
# drops out of its difference; how much, only more pairs can tell.) If it is not larger, then one
# more pair with another seed might reverse its sign.
#
# So for recipes the unit to count is the *run*. With three seeds we have three of them, however
# many images there are.

# %% [markdown]
# ## Step 6 · A1 and A2 again, over seeds
#
# A full run takes an hour and more on a CPU, so the course ships them. The pair of step 4 was
# trained again with other seeds, each pair from the same start and with the same order of images.
# Five pairs were planned before the first was trained, and these are the five. (Pair 0 was trained
# on one kind of processor, the others on another, which rounds differently. Both runs of a pair
# come from the same one, so only differences *between* pairs may be due to the machine, in a small
# part.)
#
# *Expect:* the same recipe every time. Will A1's rate fall in the same epochs?

# %% tags=["nbval-check-output"]
from course_lib import claims

a1_runs, a2_runs = (claims.runs_by_seed(f"three_layer_{rate}") for rate in ("plateau", "constant"))
pairs = {one: (a1_runs[one], a2_runs[one]) for one in sorted(a1_runs.keys() & a2_runs.keys())}
for one, pair in pairs.items():
    falls = [event["epoch"] for event in pair[0].manifest["events"]]
    kept = "A1 {}, A2 {}".format(*(run.manifest["weights_epoch"] for run in pair))
    print(f"seed {one}: falls of A1 after epochs {falls}; epochs kept: {kept}")

# %% [markdown]
# **What to see.** One rule, and its first fall comes after a different epoch for every seed: the
# rule watches a noisy number. Compare the epochs that were kept with it. Which of the kept weights
# were trained before any fall, and how many falls contributed to the others?
#
# The validation losses behind these numbers, a panel for each seed. A vertical line is a fall of
# A1's rate, a large marker the epoch that was kept. (The first epochs are above the visible range.)
#
# Up to the first fall A1 and A2 are one run, as step 2 has shown. That saves time: only with seed 0
# was A2 trained from the start. With other seeds it was resumed from A1's state before the fall, so
# there one curve on the left is not a finding. *Expect:* what is to be seen on the right?

# %%
figure = Figure(figsize=(9, 3), layout="constrained")
for ax, (one, pair) in zip(figure.subplots(1, len(pairs), sharey=True), pairs.items(), strict=True):
    for run, style in zip(pair, ("ks-", "o:"), strict=True):
        best = [run.manifest["weights_epoch"] - 1]  # counted from 0
        ax.plot(epochs + 1, run.losses(), style, ms=9, mfc="w", markevery=best, label=run.label[:2])
    for event in pair[0].manifest["events"]:
        ax.axvline(event["epoch"], color="0.5", linestyle="-.")
    ax.set(title=f"seed {one}", xlabel="epoch", ylim=(0.0075, 0.0105))
figure.axes[0].set_ylabel("validation MSE")
figure.axes[0].legend()
plots.show(figure, alt="Validation loss of A1 and A2 by epoch, a panel for each seed.")

# %% [markdown]
# **What to see.** Soon after the first vertical line A1's curve drops lower than A2's ever does:
# small steps settle. Then it goes up again, and no later fall brings it back to its lowest point.
# In step 4, with seed 0, the training loss kept falling meanwhile: what does A1 learn there? A2's
# curve jumps back and forth.
#
# In most pairs A2's marker is left of the first vertical line, at weights that A1 has passed
# through as well; in which is it not? A1's is soon after that line. So whatever the schedule is
# worth in the scores comes from its *first* fall. The others came too late to be scored.
#
# Now the scores. They are the published ones: test images, weights of the best epoch on validation.
#
# *Expect:* A1 minus A2 is negative where the schedule has helped. Step 4 found such a difference
# for seed 0. And in the other pairs?

# %% tags=["results", "nbval-check-output"]
gaps = []
for one, pair in pairs.items():
    a1_mse, a2_mse = (run.metrics["test"]["mse"] for run in pair)
    gaps.append(a1_mse - a2_mse)
    print(f"seed {one}: A1 {a1_mse:.5f}, A2 {a2_mse:.5f}, A1 minus A2 {gaps[-1]:+.5f}")
mean, low, high = statistics.mean_interval(gaps)
print(f"A1 minus A2, {len(gaps)} seeds: mean {mean:+.5f}, interval {low:+.5f} to {high:+.5f}")
print("first: A1, second: A2;", verdict(low, high))

# %% [markdown]
# **What to see.** Do all differences have the same sign? How many times as large as the smallest is
# the largest? Does the interval leave 0 out? It need not, even if all differences point one way: a
# few numbers that scatter much make a wide interval, and Student's t widens it further. Step 4 was
# surer, with a single pair, because it counted ten thousand images. It had the easier question.
#
# Three pairs existed for a while before the last two. What would this lesson have said then?
# (`statistics.mean_interval(gaps[:3])` tells you.) To train two more was fair only because five had
# been planned. Whoever adds pair after pair until 0 is left out will get there one day by luck.
#
# Do not read more into the answer, whichever it is, than was asked: these are scores of a *best*
# epoch, chosen by the validation images, which for A1 have moved the rate as well. And certain is
# not the same as large. Compare the mean difference with the distance of either recipe from the
# gray copy, which step 4 shows.

# %% [markdown]
# ## Exercises
#
# Each exercise is one function. Nothing later depends on your answers.
#
# ### Exercise 1 · A fall (one line)
#
# Return the rate after a fall. It is multiplied by `factor`, but never goes below `floor`.


# %% tags=["exercise"]
def rate_after_fall(rate, factor, floor):
    """The next learning rate."""
    ### BEGIN SOLUTION
    return max(rate * factor, floor)
    ### END SOLUTION


# %% tags=["check"]
checks.check("05.rate_after_fall", rate_after_fall)

# %% [markdown]
# ### Exercise 2 · When does it act? (a loop with a memory)
#
# Return the number of the epoch at whose end the rate falls for the first time, or 0 if it never
# does. Epochs count from 1; cooldown is 0. Step 1 has the trap: what is a loss compared with?


# %% tags=["exercise"]
def first_fall(losses, patience, min_delta):
    """Validation losses, one per epoch -> the epoch of the first fall, from 1; 0 for never."""
    ### BEGIN SOLUTION
    best = np.inf
    num_bad_epochs = 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best - min_delta:
            best = loss
            num_bad_epochs = 0
        else:
            num_bad_epochs += 1
            if num_bad_epochs == patience:
                return epoch
    return 0
    ### END SOLUTION


# %% tags=["check"]
checks.check("05.first_fall", first_fall)

# %% [markdown]
# ### Exercise 3 · Pairs (two lines, after some thought)
#
# You have the test MSE of three runs with the schedule and of three without, in the order of their
# seeds. Return mean, low and high of *scheduled minus constant* with a 95 % interval of Student's t
# over the seeds. `statistics.mean_interval` makes such an interval from a row of numbers. Of which
# numbers?


# %% tags=["exercise"]
def paired_interval(scheduled, constant):
    """Two arrays (3,) of MSE, same seeds in the same order -> (mean, low, high)."""
    ### BEGIN SOLUTION
    differences = scheduled - constant  # (3,): what the seed did to both drops out
    return statistics.mean_interval(differences)
    ### END SOLUTION


# %% tags=["check"]
checks.check("05.paired_interval", paired_interval)

# %% [markdown]
# ### Exercise 4 · How many seeds? (plan a study)
#
# You want to see a difference of `difference` between two recipes. From a few runs made before, a
# *pilot*, you know that paired differences scatter from seed to seed with a standard deviation of
# `spread`. How many seeds N do you need at least, so that the half width of the 95 % interval,
#
# $$ t_{N-1} \cdot \text{spread} / \sqrt{N}, $$
#
# is smaller than the difference? At least 2. This N is the least: even then up to about half of
# such studies would miss the difference, because a study's mean falls short of the true one about
# as often as it goes beyond. The share that finds it is called the *power*; lesson 06 plans with
# it. Here *t* with index N − 1 is the quantile at 0.975 of Student's t with N − 1 degrees of
# freedom: `scipy.stats.t.ppf(0.975, N - 1)`. Put `from scipy import stats` into your function.
#
# When it passes, give it the mean and the spread of the differences of step 6 (`abs(np.mean(gaps))`
# and `np.std(gaps, ddof=1)`): how many pairs of full runs at least, in a *new* study? Why would it
# not be wise to plan with so few? And what if the true spread is twice as large as that of a few
# numbers? Then give it the first three differences alone: what would have been planned after them?


# %% tags=["exercise"]
def num_seeds(difference, spread):
    """The smallest N >= 2 whose half width is below `difference`."""
    ### BEGIN SOLUTION
    from scipy import stats

    n = 2
    while stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n) >= difference:
        n += 1
    return n
    ### END SOLUTION


# %% tags=["check"]
checks.check("05.num_seeds", num_seeds)

# %% [markdown]
# ### Exercise 5 · A written answer: settle the claim (about 200 words)
#
# *A static learning rate slightly degrades the three-layer model.* You have a GPU for one day, and
# a run of the paper's full recipe takes ten minutes. Step 6 has an answer for *one* score, the test
# MSE of the best epoch, which is not what the paper looked at. Write the plan of a study that could
# settle the claim as you read it, so that somebody else could carry it out without asking you.
#
# One point for each of these:
#
# 1. what is equal in the two recipes, what differs, and how the runs are paired;
# 2. the score, on which images, after which epoch, and who gets to see the test set when;
# 3. how many seeds, reasoned from a spread, from the smallest difference that you would care about,
#    and from the day that you have. Step 6 gives a first spread, of few pairs, for its score. Take
#    it if that is yours too, or spend part of the day on a pilot of your own: say how many runs,
#    and on which images you score it;
# 4. the rule for the verdict, an outcome that would speak *against* the claim, and what you report
#    if the rule never acts.

# %% [markdown] tags=["written"] points=4
# *Your answer here.*

# %% [markdown]
# ## Results
#
# Now the test images, once, as planned: six networks after their last epoch, in pairs, beside the
# two baselines. The band is what the course expects of a single run in this profile.

# %%
test = data.as_float(cifar.x_test)  # (N, 32, 32, 3)
gray_test = grayscale.to_gray(test)  # (N, 32, 32)
low, high = {"quick": (0.011, 0.024), "full": (0.006, 0.011)}[profile]
table = {"gray copy": baselines.gray_copy(gray_test)}
table["gray-level table"] = baselines.gray_level_table(gray_test)
for name, group in {"constant": without, "plateau": scheduled}.items():
    for one, (model, _) in zip(seeds, group, strict=True):
        table[f"{name}, seed {one}"] = published.predict(model, gray_test)
mse = {name: float(np.mean((picture - test) ** 2)) for name, picture in table.items()}
for name, value in mse.items():
    words = f", band {low} to {high}: {low <= value <= high}" if "seed" in name else ""
    print(f"{name:17} MSE on {len(test)} test images: {value:.5f}{words}")

# %% [markdown]
# **What to see.** Six times `True`; a `False` means that something in the data or the training is
# not what it should be. In the quick profile no network comes near the gray copy, and none was
# meant to: they are narrow and were stopped early. So whatever the verdict below says, it is about
# a schedule in a short training.
#
# Compare the rows of one kind with each other (the spread over seeds), then the two rows of each
# seed. Now the verdict.

# %% tags=["key-number"]
names = [(f"plateau, seed {one}", f"constant, seed {one}") for one in seeds]
differences = [mse[ours] - mse[base] for ours, base in names]
for one, difference in zip(seeds, differences, strict=True):
    print(f"seed {one}: plateau minus constant {difference:+.5f}")
mean, low, high = statistics.mean_interval(differences)
print(f"standard deviation of the differences: {np.std(differences, ddof=1):.5f}")
if not any(differences):
    print("all differences are 0: the schedule never acted, or only after the last epoch")
print("first: plateau, second: constant;", verdict(low, high))
print(f"plateau - constant, test MSE, 3 seeds: {mean:+.5f} ({low:+.5f} to {high:+.5f})")

# %% [markdown]
# **What to see.** Three differences, their spread, their mean, the interval, and the verdict that
# the interval gives by the rule fixed in step 5. A difference of exactly 0 is a seed in which the
# schedule never acted, or acted only after the last epoch, when nothing was trained any more.
#
# With three seeds Student's t multiplies the standard error by 4.3, and not by the familiar 1.96:
# three numbers say little about their own spread. And Student's t *assumes* something, that the
# differences scatter normally from seed to seed. Three numbers cannot show whether they do, and a
# row with exact zeros in it gives reason to doubt it. So take the ends of the interval as rough.
#
# Where the verdict is "this cannot yet be decided", it does *not* say that the schedule makes no
# difference. It says that three seeds of this study do not show one. Exercise 4 shows how many it
# would take at least: put in the difference that you would care about and the spread that you see
# here. (A difference of 0, because nothing acted, says little about a schedule that acts.) And a
# spread from three seeds is itself very uncertain. The true one may be half as large or six times
# as large (that is its own 95 % interval), so call such a plan a first guess.
#
# And the paper's claim? It concerns the full model, 30 epochs and a patience of 5, and it rests on
# one run each and on the training loss. This study, of a narrow model and an impatient schedule,
# cannot settle it. The pairs of step 6 have the right size. The last line printed there is what the
# course can say of the claim, and it is about test images and a best epoch, not about the paper's
# training loss.
#
# *Try:* start the six runs at a rate of 3e-3 (change `recipe.learning_rate` in `train`), which is
# noisier. But write down your plan first, and call the result what it is: a second study, not a
# correction of the first.

# %% [markdown]
# ## What we have seen
#
# - A plateau schedule compares each validation loss with the best so far. min_delta says how much
#   lower counts, patience how many epochs may fail in a row, factor and floor how far the rate
#   falls.
# - min_delta is in units of the loss. "No progress" means less progress than asked for.
# - Replaying a rule on a recorded curve costs nothing, and is right up to the first fall.
# - Step must know its epochs beforehand, cosine and one-cycle the end; they look at nothing.
#   Plateau looks at the validation images, which are then no longer fresh; in the paper these were
#   the test images.
# - Two runs that differ in a schedule are the same run until it acts. If it never acts, nothing was
#   compared.
# - An interval over images compares two networks. An interval over seeds compares two recipes.
# - Pair the runs by seed; fix the score and the rule for the verdict before you look; let "cannot
#   yet be decided" be a result.
#
# **Next:** lesson 06 puts all models into one table, and every claim of the paper beside it.

# %% [markdown]
# ## Further reading
#
# - Durant, Kotta and Mazer (2023). *Converting Grayscale Images to RGB Images Using Various
#   Autoencoder Architectures.* 6 December 2023. The runs A1 and A2.
# - Loshchilov, I., and Hutter, F. (2017). SGDR: Stochastic Gradient Descent with Warm Restarts. In
#   *International Conference on Learning Representations, ICLR 2017*. arXiv:1608.03983. The cosine.
# - Smith, L. N. (2018). *A disciplined approach to neural network hyper-parameters: Part 1,
#   learning rate, batch size, momentum, and weight decay.* arXiv:1803.09820. One cycle.
# - Kingma, D. P., and Ba, J. (2015). Adam: A Method for Stochastic Optimization. In *International
#   Conference on Learning Representations, ICLR 2015*. arXiv:1412.6980. Why a rate of 0.001 is not
#   the length of a step.
# - Bouthillier, X., and others (2021). Accounting for Variance in Machine Learning Benchmarks. In
#   *Proceedings of Machine Learning and Systems 3, MLSys 2021*. arXiv:2103.03098. What varies from
#   run to run, and how much of it a comparison has to see.
# - Student (1908). The Probable Error of a Mean. *Biometrika* 6(1), pages 1 to 25.
#   doi:10.1093/biomet/6.1.1. The interval for few numbers.
# - CIFAR-10: Krizhevsky, A. (2009). *Learning Multiple Layers of Features from Tiny Images.*
#   Technical report, University of Toronto.
