"""What `cnnc train` draws by chance, in other code: the order of an epoch's samples, and by how much each is shifted.

A stream of SplitMix64 (Steele, Lea, Flood 2014) for each purpose: compiler/data/random.c tells which.
"""
import numpy as np

ORDER, AUGMENT = 0, 1
GAMMA = np.uint64(0x9E3779B97F4A7C15)


def bits(state):
    z = (state ^ state >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def streams(seed, use, epoch, samples):
    """The states in which the streams of these samples begin."""
    state = np.array([seed], np.uint64)
    for part in (use, epoch, samples):
        state = bits(state + GAMMA) ^ np.asarray(part, np.uint64)
    return state


def below(state, limit):
    """The number that each state gives, from 0 to limit - 1."""
    limit = np.asarray(limit, np.uint64)
    drawn = bits(state)
    if (drawn < (np.zeros_like(limit) - limit) % limit).any():
        raise ValueError("cnnc draws one of these numbers again; take another seed")
    return (drawn % limit).astype(np.int64)


def order(seed, epoch, n):
    """Fisher and Yates, from the last place down."""
    draws = np.arange(1, n, dtype=np.uint64)
    places = below(streams(seed, ORDER, epoch, 0) + draws * GAMMA, np.uint64(n + 1) - draws)
    index = list(range(n))
    for i, k in zip(range(n - 1, 0, -1), places.tolist()):
        index[i], index[k] = index[k], index[i]
    return np.array(index)


def shifts(seed, epoch, n, most):
    """Places from 0 to 2 most, down and to the right: [n, 2]."""
    state = streams(seed, AUGMENT, epoch, np.arange(n))
    return below(state[:, None] + np.arange(1, 3, dtype=np.uint64) * GAMMA, 2 * most + 1)
