"""The vector operations of a fast Fourier transform, written out for the processor.

Numba does not turn loops over many arrays into vector code, so these few are handed to LLVM as
such, each on vectors as `spectra.spectrum.vectors` lays them out; offsets and strides count
numbers. Imported only when images are measured: numba takes a while to load.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from spectra.spectrum.vectors import VectorWriter

__all__ = [
    "RADICES",
    "add_power_vectors",
    "butterflies",
    "fold_vectors",
    "prepare_vector",
    "transpose",
    "unpack_vectors",
]

RADICES = (8, 4, 2, 3, 5, 7)  # lengths of DFTs that are written out


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
        to = VectorWriter(context, builder, signature, signature.args[7].dtype)
        read, rows, columns, written = (to.memory(args, which) for which in (0, 3, 5, 7))
        given = signature.args[0].dtype
        source = VectorWriter(context, builder, signature, given)
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
        to = VectorWriter(context, builder, signature, signature.args[1].dtype)
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
        to = VectorWriter(context, builder, signature, signature.args[0].dtype)
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
        to = VectorWriter(context, builder, signature, signature.args[0].dtype)
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
        to = VectorWriter(context, builder, signature, signature.args[0].dtype)
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
        to = VectorWriter(context, builder, signature, signature.args[0].dtype)
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
