"""The checkers of the exercises, one module per lesson: `lesson_01`, `lesson_02`, ..."""
