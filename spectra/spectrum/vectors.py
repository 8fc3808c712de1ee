"""Arithmetic of whole vectors, real and complex, written into functions that LLVM compiles.

A vector has `VECTOR_BYTES`; its lanes are transforms side by side. A complex vector in memory is
the real parts of all lanes, then the imaginary parts. Offsets count numbers.
Imported only when images are measured: numba takes a while to load.
"""

import cmath
import math
from typing import Any

from llvmlite import ir

__all__ = ["VECTOR_BYTES", "VectorWriter"]

# Processors with shorter vectors take several at once, which costs them little.
VECTOR_BYTES = 64

_WHOLE = ir.IntType(64)
_FAST = ("contract", "nsz")  # a product and a sum may be one instruction
_Complex = tuple[Any, Any]  # vectors of the real and of the imaginary parts


class VectorWriter:
    """Writes arithmetic of complex vectors into a function that is being compiled."""

    def __init__(self, context: Any, builder: Any, signature: Any, dtype: Any) -> None:
        self.context, self.builder, self.signature = context, builder, signature
        self.bytes = dtype.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.bytes
        self.type = ir.VectorType(context.get_value_type(dtype), self.lanes)
        self.undefined = ir.Constant(self.type, ir.Undefined)

    def memory(self, args: Any, which: int) -> Any:
        """Where the array that is argument `which` begins."""
        kind = self.signature.args[which]
        return self.context.make_array(kind)(self.context, self.builder, args[which]).data

    def at(self, *terms: Any) -> Any:
        """Sum of offsets; a pair is a product, None is 0."""
        total = _WHOLE(0)
        for term in terms:
            value, by = term if isinstance(term, tuple) else (term, 1)
            if value is not None:
                value = _WHOLE(value) if isinstance(value, int) else value
                total = self.builder.add(total, self.times(value, _WHOLE(by)))
        return total

    def times(self, x: Any, y: Any) -> Any:
        return self.builder.mul(x, y)

    def load(self, base: Any, *at: Any) -> Any:
        address = self.builder.gep(base, [self.at(*at)])
        value = self.builder.load(self.builder.bitcast(address, self.type.as_pointer()))
        value.align = self.bytes
        return value

    def store(self, value: Any, base: Any, *at: Any) -> None:
        address = self.builder.gep(base, [self.at(*at)])
        kept = self.builder.store(value, self.builder.bitcast(address, self.type.as_pointer()))
        kept.align = self.bytes

    def spread(self, base: Any, *at: Any) -> Any:
        """One number of memory in every lane."""
        return self.splat(self.builder.load(self.builder.gep(base, [self.at(*at)])))

    def splat(self, number: Any) -> Any:
        first = self.builder.insert_element(self.undefined, number, ir.IntType(32)(0))
        return self.shuffle(first, self.undefined, [0] * self.lanes)

    def shuffle(self, x: Any, y: Any, order: list[int]) -> Any:
        kind = ir.VectorType(ir.IntType(32), self.lanes)
        return self.builder.shuffle_vector(x, y, ir.Constant(kind, order))

    def sum(self, x: Any, y: Any) -> Any:
        return self.builder.fadd(x, y, flags=_FAST)

    def difference(self, x: Any, y: Any) -> Any:
        return self.builder.fsub(x, y, flags=_FAST)

    def product(self, x: Any, y: Any) -> Any:
        if isinstance(y, float):
            y = ir.Constant(self.type, [y] * self.lanes)
        return self.builder.fmul(x, y, flags=_FAST)

    def add(self, x: _Complex, y: _Complex) -> _Complex:
        return self.sum(x[0], y[0]), self.sum(x[1], y[1])

    def subtract(self, x: _Complex, y: _Complex) -> _Complex:
        return self.difference(x[0], y[0]), self.difference(x[1], y[1])

    def scale(self, x: _Complex, by: float) -> _Complex:
        return self.product(x[0], by), self.product(x[1], by)

    def turn(self, x: _Complex) -> _Complex:
        """-i x."""
        return x[1], self.builder.fneg(x[0])

    def multiply(self, x: _Complex, w: tuple[Any, Any]) -> _Complex:
        re = self.difference(self.product(x[0], w[0]), self.product(x[1], w[1]))
        return re, self.sum(self.product(x[0], w[1]), self.product(x[1], w[0]))

    def rotate(self, x: _Complex, k: int, n: int) -> _Complex:
        """x exp(-2 pi i k / n), k < n / 2."""
        if k == 0:
            return x
        if 4 * k == n:
            return self.turn(x)
        if 8 * k == n:
            return self.scale(self.add(x, self.turn(x)), math.sqrt(0.5))
        if 8 * k == 3 * n:
            return self.scale(self.subtract(self.turn(x), x), math.sqrt(0.5))
        w = cmath.exp(-2j * math.pi * k / n)
        return self.multiply(x, (w.real, w.imag))

    def dft(self, x: list[_Complex]) -> list[_Complex]:
        """The DFT of numbers in registers: even lengths by halves, odd ones as they stand."""
        n = len(x)
        if n == 1:
            return x
        if n % 2:
            return self._odd(x)
        even, odd = self.dft(x[0::2]), self.dft(x[1::2])
        turned = [self.rotate(odd[k], k, n) for k in range(n // 2)]
        low = [self.add(a, b) for a, b in zip(even, turned, strict=True)]
        return low + [self.subtract(a, b) for a, b in zip(even, turned, strict=True)]

    def _odd(self, x: list[_Complex]) -> list[_Complex]:
        """x_j and x_(n - j) share their cosines and sines, and so do k and n - k."""
        n = len(x)
        half = range(1, n // 2 + 1)
        both = {j: self.add(x[j], x[n - j]) for j in half}
        apart = {j: self.turn(self.subtract(x[j], x[n - j])) for j in half}
        out = [x[0]] * n
        for j in half:
            out[0] = self.add(out[0], both[j])
        for k in half:
            even, odd = x[0], None
            for j in half:
                angle = 2 * math.pi * j * k / n
                even = self.add(even, self.scale(both[j], math.cos(angle)))
                part = self.scale(apart[j], math.sin(angle))
                odd = part if odd is None else self.add(odd, part)
            assert odd is not None
            out[k], out[n - k] = self.add(even, odd), self.subtract(even, odd)
        return out
