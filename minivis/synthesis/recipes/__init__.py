"""Recipes: `ascend`, and for each published picture the choices that made it."""
