"""The course: where its lessons are, and what checks a student's answers."""

from .checking import check
from .networks import lesson_net

__all__ = ["check", "lesson_net"]
