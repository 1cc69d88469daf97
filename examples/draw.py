"""Draws the pictures that the demo shows to the networks: ten hand-made digits (polylines, a pen of 2.4 pixels) and a scene.

usage: draw.py DIRECTORY   (standard library only; the results are checked in beside this script)
"""
import math
import os
import sys


def arc(cx, cy, rx, ry, begin, end, steps=24):
    """Points of an ellipse; angles in degrees, 0 = right, 90 = down."""
    angles = [math.radians(begin + (end - begin) * i / steps) for i in range(steps + 1)]
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


# Strokes in a 28x28 picture, as a person would put the pen down.
DIGITS = {
    0: [arc(14, 14, 5.2, 8.6, -80, 285)],
    1: [[(11, 8.5), (14.5, 5.2), (14, 22.6)]],
    2: [arc(13.6, 9.6, 4.9, 4.4, -165, 35) + [(9, 21.8), (13, 21), (19.6, 22)]],
    3: [arc(13, 9.4, 4.8, 4, -150, 80) + arc(13, 17.9, 5.4, 4.6, -85, 145)],
    4: [[(11, 5.4), (8.6, 14.6), (19.6, 14)], [(16.6, 7), (15.4, 23)]],
    5: [[(18.8, 5.8), (10.8, 6), (10.2, 12.6)] + arc(13, 17, 5.2, 5, -110, 140)],
    6: [[(16.4, 5), (11.8, 9.8), (9.4, 15)] + arc(13.6, 17.8, 4.4, 4.4, -160, 200)],
    7: [[(8.6, 6.6), (19.4, 6), (15.4, 13.6), (12.6, 22.6)]],
    8: [arc(14, 9.6, 3.9, 4.1, 90, 450), arc(14, 18, 4.8, 4.5, -90, 270)],
    9: [arc(13.4, 10.2, 4.4, 4.4, -20, 340) + [(17.6, 11), (17, 16.6), (14.8, 22.8)]],
}


def distance(px, py, a, b):
    (ax, ay), (bx, by) = a, b
    dx, dy = bx - ax, by - ay
    t = max(0.0, min(1.0, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy or 1.0)))
    return math.hypot(px - ax - t * dx, py - ay - t * dy)


def digit(strokes):
    rows = bytearray()
    for y in range(28):
        for x in range(28):
            near = min(distance(x + 0.5, y + 0.5, a, b) for s in strokes for a, b in zip(s, s[1:]))
            rows.append(round(255 * max(0.0, min(1.0, 1.7 - near))))
    return b"P5\n28 28\n255\n" + bytes(rows)


def scene(size=256):
    """A sun over a lake between hills: smooth gradients, edges and texture."""
    rows = bytearray()
    for y in range(size):
        for x in range(size):
            u, v = x / size, y / size
            hill = 0.42 + 0.09 * math.sin(5 * u + 1) + 0.03 * math.sin(17 * u)
            near = 0.78 + 0.05 * math.sin(7 * u + 4) + 0.01 * math.sin(60 * u)
            sun = math.hypot(u - 0.7, v - 0.2)
            if v > near:
                grain = 0.08 * math.sin(90 * u + 40 * v) * math.sin(70 * v - 30 * u)
                colour = (0.20 + grain, 0.42 + grain, 0.13)
            elif v > 0.55:
                wave = 0.06 * math.sin(140 * v + 6 * math.sin(12 * u))
                glow = max(0.0, 1 - abs(u - 0.7) * 6) * 0.35
                colour = (0.16 + wave + glow, 0.34 + wave + 0.8 * glow, 0.55 + wave)
            elif v > hill:
                colour = (0.30 - 0.2 * (v - hill), 0.40, 0.30)
            elif sun < 0.08:
                colour = (1.0, 0.93, 0.70)
            else:
                colour = (0.95 - 0.5 * sun, 0.75 - 0.25 * v, 0.60 + 0.3 * v)
            rows.extend(round(255 * max(0.0, min(1.0, c))) for c in colour)
    return b"P6\n%d %d\n255\n" % (size, size) + bytes(rows)


def main():
    directory = sys.argv[1]
    os.makedirs(os.path.join(directory, "digits"), exist_ok=True)
    for value, strokes in DIGITS.items():
        with open(os.path.join(directory, "digits", f"{value}.pgm"), "wb") as file:
            file.write(digit(strokes))
    with open(os.path.join(directory, "scene.ppm"), "wb") as file:
        file.write(scene())


if __name__ == "__main__":
    main()
