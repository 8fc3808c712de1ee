"""The Hann taper as a sum of neighbouring modes, and the power after it, in compiled loops.

Imported only when sound is transformed: numba takes a while to load.
"""

from typing import Any

from spectra.compiled import compiled

__all__ = ["add_hann_power", "add_power", "hann_bands", "hann_power"]


@compiled()
def _hann_row(f: Any, even: bool, out: Any) -> None:
    """One frame: [2 (N // 2 + 1)] -> [N // 2 + 1]."""
    last = out.shape[0] - 1
    re = 0.5 * (f[0] - f[2])
    out[0] = re * re
    for k in range(1, last):
        re = 0.5 * f[2 * k] - 0.25 * (f[2 * k - 2] + f[2 * k + 2])
        im = 0.5 * f[2 * k + 1] - 0.25 * (f[2 * k - 1] + f[2 * k + 3])
        out[k] = re * re + im * im
    # Beyond the last mode lies the mirror of the one before it, or of itself where N is odd.
    if even:
        re, im = 0.5 * (f[2 * last] - f[2 * last - 2]), 0.0
    else:
        re = 0.25 * (f[2 * last] - f[2 * last - 2])
        im = 0.75 * f[2 * last + 1] - 0.25 * f[2 * last - 1]
    out[last] = re * re + im * im


@compiled()
def hann_power(modes: Any, even: bool, out: Any) -> None:
    """|F|^2 of frames under the periodic Hann window, from their plain transforms.

    1/2 - 1/2 cos(2 pi t / N) turns mode k into F_k / 2 - (F_k-1 + F_k+1) / 4.
    modes [B, 2 (N // 2 + 1)] are real and imaginary parts in turn -> out [B, N // 2 + 1].
    """
    for b in range(out.shape[0]):
        _hann_row(modes[b], even, out[b])


@compiled()
def hann_bands(
    modes: Any, even: bool, edge: Any, rise: Any, fall: Any, rows: Any, out: Any
) -> None:
    """`hann_power` summed into M triangular bands that overlap by half.

    Bins edge[m] .. edge[m + 1] - 1 rise in band m and fall in band m - 1, with the weights
    rise and fall [N // 2 + 1]; edge [M + 2]. Four frames at once, so that one addition need not
    wait for the last. rows [4, N // 2 + 1] is scratch; out [B, M].
    """
    bands = out.shape[1]
    r0, r1, r2, r3 = rows[0], rows[1], rows[2], rows[3]
    zero = rows.dtype.type(0)
    for b in range(0, out.shape[0], 4):
        frames = min(4, out.shape[0] - b)
        for i in range(frames):
            _hann_row(modes[b + i], even, rows[i])
        last0 = last1 = last2 = last3 = zero
        for m in range(bands + 1):
            up0 = up1 = up2 = up3 = down0 = down1 = down2 = down3 = zero
            for k in range(edge[m], edge[m + 1]):
                up, down = rise[k], fall[k]
                up0 += up * r0[k]
                up1 += up * r1[k]
                up2 += up * r2[k]
                up3 += up * r3[k]
                down0 += down * r0[k]
                down1 += down * r1[k]
                down2 += down * r2[k]
                down3 += down * r3[k]
            if m > 0:
                out[b, m - 1] = last0 + down0
                if frames > 1:
                    out[b + 1, m - 1] = last1 + down1
                if frames > 2:
                    out[b + 2, m - 1] = last2 + down2
                if frames > 3:
                    out[b + 3, m - 1] = last3 + down3
            last0, last1, last2, last3 = up0, up1, up2, up3


@compiled()
def add_hann_power(modes: Any, odd: bool, total: Any) -> None:
    """Add |F|^2 under the Hann window, the mean off first, of modes 1 .. F to total [F].

    Taking the mean off is leaving mode 0 out. modes as in `hann_power`, F = (N - 1) // 2.
    """
    count = total.shape[0]
    for b in range(modes.shape[0]):
        f = modes[b]
        f[0] = 0.0
        f[1] = 0.0
        inside = count - 1 if odd else count
        for j in range(inside):
            k = j + 1
            re = 0.5 * f[2 * k] - 0.25 * (f[2 * k - 2] + f[2 * k + 2])
            im = 0.5 * f[2 * k + 1] - 0.25 * (f[2 * k - 1] + f[2 * k + 3])
            total[j] += re * re + im * im
        if odd:
            re = 0.25 * (f[2 * count] - f[2 * count - 2])
            im = 0.75 * f[2 * count + 1] - 0.25 * f[2 * count - 1]
            total[count - 1] += re * re + im * im


@compiled()
def add_power(modes: Any, total: Any) -> None:
    """Add |F|^2 of modes 1 .. F to total [F]; modes as in `hann_power`."""
    for b in range(modes.shape[0]):
        f = modes[b]
        for j in range(total.shape[0]):
            re, im = f[2 * j + 2], f[2 * j + 3]
            total[j] += re * re + im * im
