"""Compiled inner loops: the mean off and the taper on, and |F|^2 summed into rings.

Imported only when images are measured: numba takes a while to load.
"""

from typing import Any

from spectra.compiled import compiled

__all__ = [
    "add_cross_power",
    "add_examples",
    "add_power",
    "mean_of",
    "prepare",
    "products",
    "ring_sums",
]


@compiled(fastmath=True)
def mean_of(image: Any, zero: Any) -> Any:
    """Mean of an image [H W], summed in the type of `zero`; short sums keep float32's digits."""
    total = 0.0
    for start in range(0, image.shape[0], 4096):
        few = image[start : start + 4096]
        part = zero
        for i in range(few.shape[0]):
            part += few[i]
        total += part
    return total / image.shape[0]


@compiled(fastmath=True)
def prepare(images: Any, down: Any, across: Any, out: Any, means: Any) -> None:
    """Each image less its mean, times the taper: [B, H W] -> out [B, H W], means [B].

    The taper is the product of `down` [H] and `across` [W].
    """
    height, width = down.shape[0], across.shape[0]
    for b in range(images.shape[0]):
        image, target = images[b], out[b]
        means[b] = mean_of(image, out.dtype.type(0))
        mean = means[b]
        for y in range(height):
            values = image[y * width : (y + 1) * width]
            row, tap = target[y * width : (y + 1) * width], down[y]
            for x in range(width):
                row[x] = (values[x] - mean) * (tap * across[x])


@compiled(fastmath=True)
def ring_sums(modes: Any, slot: Any, column_weight: Any, row: Any, sums: Any, out: Any) -> None:
    """|F|^2 summed over each ring of the full plane.

    modes [B, H, 2 (W // 2 + 1)] are real and imaginary parts in turn, slot [H // 2 + 1, W // 2 + 1]
    says the ring (F for none), column_weight is 2 where a column stands for its mirror also.
    Rows y and H - y share their rings. Four sums a ring in turn, so that one addition need not
    wait for the last; row and sums [4 (F + 1)] are scratch; out [B, F].
    """
    height, width = modes.shape[1], modes.shape[2] // 2
    rings = out.shape[1]
    for b in range(modes.shape[0]):
        for j in range(4 * (rings + 1)):
            sums[j] = 0
        for y in range(height // 2 + 1):
            mirror = (height - y) % height
            one, other = modes[b, y], modes[b, mirror]
            if mirror == y:
                for x in range(width):
                    re, im = one[2 * x], one[2 * x + 1]
                    row[x] = (re * re + im * im) * column_weight[x]
            else:
                for x in range(width):
                    re, im = one[2 * x], one[2 * x + 1]
                    re2, im2 = other[2 * x], other[2 * x + 1]
                    row[x] = (re * re + im * im + re2 * re2 + im2 * im2) * column_weight[x]
            place = slot[y]
            for x in range(width):
                sums[4 * place[x] + (x & 3)] += row[x]
        for j in range(rings):
            out[b, j] = sums[4 * j] + sums[4 * j + 1] + sums[4 * j + 2] + sums[4 * j + 3]


@compiled(fastmath=True)
def add_power(modes: Any, plane: Any) -> None:
    """Add |F|^2 of every image to plane, float64 [H, W // 2 + 1]; modes as in `ring_sums`."""
    width = modes.shape[2] // 2
    for y in range(modes.shape[1]):
        total = plane[y]
        for b in range(modes.shape[0]):
            values = modes[b, y]
            for x in range(width):
                re, im = values[2 * x], values[2 * x + 1]
                total[x] += re * re + im * im


@compiled(fastmath=True)
def add_examples(examples: Any, total: Any) -> None:
    """Add examples [B, n] to their total, float64 [n]."""
    for start in range(0, total.shape[0], 1024):  # a stretch of the total stays in cache
        part = total[start : start + 1024]
        for b in range(examples.shape[0]):
            values = examples[b, start : start + 1024]
            for i in range(part.shape[0]):
                part[i] += values[i]


@compiled(fastmath=True)
def products(values: Any, out: Any) -> None:
    """Sum over G of values [G, F] times themselves, to out [F, F].

    So few rows are not worth the threads of a matrix library, which stay awake after each call.
    """
    size = out.shape[0]
    for i in range(size):
        total = out[i, i:]
        total[:] = 0
        for g in range(values.shape[0]):
            row, value = values[g, i:], values[g, i]
            for j in range(row.shape[0]):
                total[j] += value * row[j]
        for j in range(i + 1, size):
            out[j, i] = out[i, j]


@compiled(fastmath=True)
def add_cross_power(modes: Any, slot: Any, column_weight: Any, out: Any) -> None:
    """Add Re F_a conj(F_b) over each ring to out [C, C, F], a <= b.

    modes [B, C, H, 2 (W // 2 + 1)]; slot and column_weight as in `ring_sums`. The imaginary part
    cancels between k and -k.
    """
    height, width = modes.shape[2], modes.shape[3] // 2
    for image in range(modes.shape[0]):
        for a in range(modes.shape[1]):
            for b in range(a, modes.shape[1]):
                total = out[a, b]
                for y in range(height):
                    one, other = modes[image, a, y], modes[image, b, y]
                    place = slot[min(y, height - y)]
                    for x in range(width):
                        product = one[2 * x] * other[2 * x] + one[2 * x + 1] * other[2 * x + 1]
                        if place[x] < total.shape[0]:
                            total[place[x]] += column_weight[x] * product
