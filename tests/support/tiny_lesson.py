# %% [markdown]
# # 01 · Tiny
#
# 5 minutes. When you are done, you will be able to
#
# - double a number.

# %% tags=["parameters"]
profile = "quick"
seed = 0
device = "cpu"

# %% [markdown]
# ## The question
#
# What is twice 21? To beat: 41.

# %%
import base64
import sys

import ipywidgets
from IPython.display import Image, display
from tqdm import tqdm

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

# %% [markdown]
# One gray pixel.

# %% tags=["widget"] alt="One pixel, as gray as you choose"
ipywidgets.interact(lambda level: Image(base64.b64decode(PIXEL)), level=(0, 9))

# %% [markdown]
# Move the slider and nothing happens.

# %% tags=["widget"] alt="The same pixel in a box"
ipywidgets.VBox([ipywidgets.Image(value=base64.b64decode(PIXEL)), ipywidgets.IntSlider()])

# %% [markdown]
# The same pixel.

# %%
for step in tqdm(range(10), file=sys.stderr):
    seed = step
data = {"image/png": PIXEL, "text/plain": "pixel"}
display(data, metadata={"image/png": {"alt": "A pixel shown by hand"}}, raw=True)

# %% [markdown]
# ## Exercises
#
# Double it.


# %% tags=["exercise"]
def double_it(number):
    """Twice the number."""
    ### BEGIN SOLUTION
    twice = number + number
    return twice
    ### END SOLUTION


# %% tags=["check"] points=2
assert double_it(2) == 4

# %% [markdown]
# ## Results
#
# Between 41 and 43.

# %% tags=["nbval-check-output", "key-number"]
print("profile:", profile)
print("the answer:", 42)

# %% [markdown]
# ## What we have seen
#
# Doubling.

# %% [markdown]
# ## Further reading
#
# None.
