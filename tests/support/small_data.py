"""A piece of the bundled sample, for tests that train and measure a whole run."""

from dataclasses import replace

from course_lib import data


def load(*_) -> data.CIFAR10:
    """The sample with 1,600 images to train on, 50 to validate and 100 to test, instead of 1,000.

    Takes and ignores what `course_tools.experiments.train.load_data` takes.
    """
    sample = data.load_cifar10("sample")
    num_train = data.NUM_SAMPLE_TRAIN + 50
    return replace(
        sample,
        x_train=sample.x_train[:num_train],
        y_train=sample.y_train[:num_train],
        x_test=sample.x_test[:100],
        y_test=sample.y_test[:100],
        train_indices=sample.train_indices[:num_train],
        test_indices=sample.test_indices[:100],
    )
