"""The vector operations of a fast Fourier transform, written out for the processor.

Numba does not turn loops over many arrays into vector code, so these few are handed to LLVM as
such. A vector has `VECTOR_BYTES`; its lanes are transforms side by side, and a complex vector in
memory is the real parts of all lanes, then the imaginary parts. Offsets and strides count numbers.
Imported only when images are measured: numba takes a while to load.
"""

import cmath
import math
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

__all__ = [
    "RADICES",
    "VECTOR_BYTES",
    "add_power_vectors",
    "butterflies",
    "fold_vectors",
    "prepare_vector",
    "transpose",
    "unpack_vectors",
]

RADICES = (8, 4, 2, 3, 5, 7)  # lengths of DFTs that are written out

# Of a vector: processors with shorter ones take several at once, which costs them little.
VECTOR_BYTES = 64

_WHOLE = ir.IntType(64)
_FAST = ("contract", "nsz")  # a product and a sum may be one instruction
_Complex = tuple[Any, Any]  # vectors of the real and of the imaginary parts


class _Writer:
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


def _written_out(typed: Any) -> Any:
    """Numba's intrinsic: `typed` gives its signature and what writes it where it is called."""
    return intrinsic(typed)


@_written_out
def prepare_vector(
    _context: Any,
    image: Any,
    o: Any,
    mean: Any,
    down: Any,
    y: Any,
    across: Any,
    x: Any,
    target: Any,
    p: Any,
) -> Any:
    """(image[o] - mean) down[y] across[x] to target[p], for the vectors at o and x."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = _Writer(context, builder, signature, signature.args[7].dtype)
        read, rows, columns, written = (to.memory(args, which) for which in (0, 3, 5, 7))
        given = signature.args[0].dtype
        source = _Writer(context, builder, signature, given)
        source.type = ir.VectorType(context.get_value_type(given), to.lanes)
        values = source.load(read, args[1])
        if isinstance(given, types.Integer):
            values = builder.uitofp(values, to.type)
        elif source.bytes != to.bytes:
            values = (builder.fptrunc if source.bytes > to.bytes else builder.fpext)(
                values, to.type
            )
        values = to.difference(values, to.splat(args[2]))
        taper = to.product(to.spread(rows, args[4]), to.load(columns, args[6]))
        to.store(to.product(values, taper), written, args[8])
        return context.get_dummy_value()

    return types.void(image, o, mean, down, y, across, x, target, p), write


@_written_out
def butterflies(
    _context: Any,
    radix: Any,
    source: Any,
    o: Any,
    target: Any,
    u: Any,
    twiddle: Any,
    w: Any,
    m: Any,
    s: Any,
) -> Any:
    """A step of Stockham's transform: m s DFTs of `radix` complex vectors each.

    Vector q + s (p + m j) after source[o] goes into vector q + s (k + radix p) after target[u],
    times exp(-2 pi i p k / (radix m)), which is twiddle[w + 2 ((radix - 1) p + k - 1)].
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = _Writer(context, builder, signature, signature.args[1].dtype)
        read, written, factors = (to.memory(args, which) for which in (1, 3, 5))
        wanted, _, o, _, u, _, w, m, s = args
        size = 2 * to.lanes

        def one(radix: int, p: Any, q: Any) -> None:
            x = []
            for j in range(radix):
                at = to.at(o, (to.at(q, to.times(s, to.at(p, (m, j)))), size))
                x.append((to.load(read, at), to.load(read, at, to.lanes)))
            for k, y in enumerate(to.dft(x)):
                if k > 0 and p is not None:
                    at = to.at(w, (p, 2 * (radix - 1)), 2 * (k - 1))
                    y = to.multiply(y, (to.spread(factors, at), to.spread(factors, at, 1)))
                at = to.at(u, (to.at(q, to.times(s, to.at((p, radix), k))), size))
                to.store(y[0], written, at)
                to.store(y[1], written, at, to.lanes)

        for length in RADICES:
            with builder.if_then(builder.icmp_signed("==", wanted, to.at(length))):
                with cgutils.for_range(builder, s) as loop:  # no twiddles where p is 0
                    one(length, None, loop.index)
                with (
                    cgutils.for_range(builder, m, start=to.at(1)) as outer,
                    cgutils.for_range(builder, s) as loop,
                ):
                    one(length, outer.index, loop.index)
        return context.get_dummy_value()

    return types.void(radix, source, o, target, u, twiddle, w, m, s), write


@_written_out
def unpack_vectors(_context: Any, modes: Any, k: Any, mirror: Any, twiddle: Any, w: Any) -> Any:
    """Modes k and N / 2 - k of N real numbers, from those of z_j = x_2j + i x_(2j + 1), in place.

    modes[k] and modes[mirror] are complex vectors, twiddle[w] is exp(-2 pi i k / N) / 2.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = _Writer(context, builder, signature, signature.args[0].dtype)
        memory, factors = to.memory(args, 0), to.memory(args, 3)
        (are, aim), (bre, bim) = (
            [to.load(memory, at, i * to.lanes) for i in range(2)] for at in (args[1], args[2])
        )
        # Of Z_k and the conjugate of Z_(N/2 - k): half the sum, half the difference turned by w.
        even = to.scale((to.sum(are, bre), to.difference(aim, bim)), 0.5)
        odd = to.difference(are, bre), to.sum(aim, bim)
        re, im = (to.spread(factors, args[4], i) for i in range(2))
        odd = to.turn(to.multiply(odd, (re, im)))
        one, other = to.add(even, odd), to.subtract(even, odd)
        for at, (re, im) in ((args[1], one), (args[2], (other[0], builder.fneg(other[1])))):
            to.store(re, memory, at)
            to.store(im, memory, at, to.lanes)
        return context.get_dummy_value()

    return types.void(modes, k, mirror, twiddle, w), write


@_written_out
def transpose(_context: Any, source: Any, o: Any, t: Any, target: Any, p: Any, u: Any) -> Any:
    """As many vectors as lanes, source[o + j t], with lanes and vectors exchanged in target."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = _Writer(context, builder, signature, signature.args[0].dtype)
        read, written = to.memory(args, 0), to.memory(args, 3)
        rows = [to.load(read, args[1], (args[2], j)) for j in range(to.lanes)]
        block = to.lanes // 2
        while block:  # exchange the off-diagonal quarters of blocks, ever smaller
            low, high = [], []
            for i in range(to.lanes):
                low.append(i if i & block == 0 else to.lanes + i - block)
                high.append(i + block if i & block == 0 else to.lanes + i)
            done = list(rows)
            for j in range(to.lanes):
                if j & block == 0:
                    pair = rows[j], rows[j + block]
                    done[j] = to.shuffle(*pair, low)
                    done[j + block] = to.shuffle(*pair, high)
            rows, block = done, block // 2
        for j, row in enumerate(rows):
            to.store(row, written, args[4], (args[5], j))
        return context.get_dummy_value()

    return types.void(source, o, t, target, p, u), write


@_written_out
def fold_vectors(_context: Any, f: Any, g: Any, o: Any, mirror: Any, target: Any, p: Any) -> Any:
    """Re f conj(g) of the complex vectors at o and at mirror, added, to target[p]."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = _Writer(context, builder, signature, signature.args[0].dtype)
        one, other, written = (to.memory(args, which) for which in (0, 1, 4))
        parts = []
        for at in (args[2], args[3]):
            for i in range(2):
                x, y = (to.load(memory, at, i * to.lanes) for memory in (one, other))
                parts.append(to.product(x, y))
        total = to.sum(to.sum(parts[0], parts[1]), to.sum(parts[2], parts[3]))
        to.store(total, written, args[5])
        return context.get_dummy_value()

    return types.void(f, g, o, mirror, target, p), write


@_written_out
def add_power_vectors(_context: Any, f: Any, o: Any, total: Any, p: Any) -> Any:
    """Add |f|^2 of the complex vector at o to total[p], float64."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = _Writer(context, builder, signature, signature.args[0].dtype)
        memory, kept = to.memory(args, 0), to.memory(args, 2)
        re, im = (to.load(memory, args[1], i * to.lanes) for i in range(2))
        power = to.sum(to.product(re, re), to.product(im, im))
        to.type = ir.VectorType(ir.DoubleType(), to.lanes)
        to.bytes = 8
        if power.type != to.type:
            power = builder.fpext(power, to.type)
        to.store(to.sum(to.load(kept, args[3]), power), kept, args[3])
        return context.get_dummy_value()

    return types.void(f, o, total, p), write
