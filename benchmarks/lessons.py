"""Seconds and memory of every lesson in the quick profile; the last line is one JSON object.

Run it on an idle machine: `.venv/bin/python benchmarks/lessons.py`.
"""

import json

from course_tools.lessons import lesson_source, run


def main() -> None:
    results = run.run(lesson_source.select(None), "quick", force=True)
    print(run.table(results))
    figures = {
        result.lesson: {
            "seconds": result.seconds,
            "peak_mb": result.peak_memory_mb,
            "slowest_cell_seconds": result.slowest_cell_seconds,
        }
        for result in results
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
