"""Times as ratios and as shares of the roofline, in lines to read."""

# By the beginning of a device's name: bytes per second of its memory, operations per second of f32, and of tensor cores in
# tf32 and bf16 (f16 alike), without sparsity, as its maker publishes them.
PUBLISHED = (
    ("NVIDIA H200", 4.8e12, 66.9e12, 494.7e12, 989.4e12),
    ("NVIDIA H100 80GB HBM3", 3.35e12, 66.9e12, 494.7e12, 989.4e12),
    ("NVIDIA H100 PCIe", 2.0e12, 51.2e12, 378e12, 756e12),
    ("NVIDIA A100-SXM4-80GB", 2.04e12, 19.5e12, 156e12, 312e12),
    ("NVIDIA A100-SXM4-40GB", 1.56e12, 19.5e12, 156e12, 312e12),
)
# What an output may be away from f32's, relative rms, or three times what a peer is of the same precision.
ALLOWED = {"f32": 1e-5, "f32x3": 1e-5, "tf32": 5e-3, "bf16": 4e-2, "f16": 5e-3}
ALLOWED_LOSS = {"f32": 1e-3, "f32x3": 1e-3, "tf32": 1e-2, "bf16": 3e-2, "f16": 1e-2}
# Sides of PyTorch that a goal names.
GROUPS = {"eager": ("eager", "channels_last"), "graphs": ("compile graph",)}


def peaks_of(device, measured):
    """Published ones where the device is known, otherwise what was measured."""
    for name, memory, f32, tf32, bf16 in PUBLISHED:
        if device.startswith(name):
            return dict(bytes=memory, f32=f32, tf32=tf32, bf16=bf16, f16=bf16)
    return dict(measured)


def roofline(case, peaks):
    """Seconds that a call takes at least: for each contraction its operations, or its data once through memory. The other
    layers, and what lies in caches, count nothing. Backward is two contractions of the same size."""
    dtype = case["dtype"]
    operations = peaks["tf32"] / 3 if dtype == "f32x3" else peaks[dtype]
    width = 2 if dtype in ("bf16", "f16") else 4
    n, passes = case["batch"], 3 if case["train"] else 1
    return passes * sum(max(2 * macs * n / operations, width * (elements * n + weights) / peaks["bytes"])
                        for macs, elements, weights in case["work"])


def measured_peers(found):
    return {name: peer for name, peer in found["peers"].items() if "ms" in peer}


def ratio(found, names=None):
    """How many times as long as ours the fastest of these peers takes, each against ours measured in turns with it."""
    peers = measured_peers(found)
    ratios = [peer["ms"] / peer["ours"] for name, peer in peers.items() if names is None or name in names]
    return min(ratios) if ratios else None


def best(sides):
    return min(sides, key=lambda name: sides[name]["ms"]) if sides else None


def allowed(case, found):
    errors = [peer["error"] for peer in found["peers"].values() if peer.get("error") is not None]
    limit = (ALLOWED_LOSS if case["train"] else ALLOWED)[case["dtype"]]
    return max([limit] + [3 * error for error in errors])


def wrong(case, found):
    """What is wrong with a result, or None."""
    if "failed" in found:
        return found["failed"]
    if not found["ours"]:
        return "nothing was measured"
    if "error" in found and not found["error"] <= allowed(case, found):
        return f"the result is {found['error']:.1e} away, {allowed(case, found):.1e} are allowed"
    return "a graph's result is another one" if found.get("graph_alike") is False else None


def goals(case, found):
    """(against, wanted, reached) of each goal that was measured."""
    reached = [(name, wanted, ratio(found, GROUPS.get(name))) for name, wanted in sorted(case["goals"].items())]
    return [goal for goal in reached if goal[2] is not None]


def line(case, found, peaks):
    """One case in one line."""
    ours, peers = found["ours"], measured_peers(found)
    words = [f"{case['name']:34}"]
    if ours:
        ms = ours[best(ours)]["ms"]
        words.append(f"{ms:9.4f} ms {case['batch'] / ms * 1e3:9.0f}/s {100e3 * roofline(case, peaks) / ms:5.1f} % of roofline")
    if peers:
        words.append(f"  {best(peers)} {peers[best(peers)]['ms']:.4f} ms, ratio {ratio(found):.2f}")
    words += [f"  goal {name} {reached:.2f} of {wanted}" for name, wanted, reached in goals(case, found)]
    if "error" in found:
        words.append(f"  error {found['error']:.1e}")
    if wrong(case, found):
        words.append("  WRONG: " + wrong(case, found).splitlines()[0])
    return "".join(words)


def detail(found):
    """All sides of one case."""
    sides = [f"{name} {side['ms']:.4f}" for name, side in found["ours"].items()]
    sides += [f"{name} {peer['ms']:.4f}" if "ms" in peer else f"{name} failed: {peer['failed'].splitlines()[0][:100]}"
              for name, peer in found["peers"].items()]
    return "    " + ", ".join(sides)


def epoch(case, found, samples=60000):
    """Seconds of an epoch of MNIST."""
    return found["ours"][best(found["ours"])]["ms"] * 1e-3 * samples / case["batch"]
