"""Values that Python code writes down: found without running it.

Literals, arithmetic on them, and the names of values that stood above: what settings modules are mostly made of.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any


class NotLiteral(ValueError):
    """The value is known only when the code runs."""


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
# A product of texts and lists is no setting, and could fill the memory.
_NUMBERS_ONLY = (ast.Mult, ast.Sub, ast.Div, ast.FloorDiv)


def value_of(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """Return the value of *node*, in which the names of *known* may stand. Raise NotLiteral if code would have to be run."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        pass
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    if isinstance(node, ast.List | ast.Tuple):
        values = [value_of(one, known) for one in node.elts]
        return values if isinstance(node, ast.List) else tuple(values)
    if isinstance(node, ast.Dict):
        return _dict(node, known)
    if isinstance(node, ast.BinOp):
        return _arithmetic(node, known)
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(one, known) for one in node.values)
    raise NotLiteral(ast.unparse(node))


def _dict(node: ast.Dict, known: Mapping[str, Any]) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            raise NotLiteral(ast.unparse(node))
        try:
            result[value_of(key, known)] = value_of(value, known)
        except TypeError as error:  # a key that cannot be one
            raise NotLiteral(str(error)) from error
    return result


def _arithmetic(node: ast.BinOp, known: Mapping[str, Any]) -> Any:
    left, right = value_of(node.left, known), value_of(node.right, known)
    operation = _OPERATORS.get(type(node.op))
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if operation is None or (isinstance(node.op, _NUMBERS_ONLY) and not numbers):
        raise NotLiteral(ast.unparse(node))
    try:
        return operation(left, right)
    except (TypeError, ArithmeticError) as error:
        raise NotLiteral(str(error)) from error


def _part(node: ast.expr, known: Mapping[str, Any]) -> str:
    if isinstance(node, ast.FormattedValue):
        if node.format_spec is not None or node.conversion != -1:
            raise NotLiteral(ast.unparse(node))
        return str(value_of(node.value, known))
    return str(value_of(node, known))
