"""Text as people and programs write it: words, not one letter repeated, the same in every run."""

import random

COMMON = """
the of and to in a is that for it was on are as with they at be this from have or by one had not but what all
were when we there can an your which their said if do will each about how up out them then she many some so
these would other into has more her two like him see time could no make than first been its who now people my
made over did down only way find use may water long little very after words called just where most know
"""
RARE = """
invoice shipment refund customer warehouse tracking delivery account balance quarter revenue forecast latency
deployment certificate region backup schema migration contract supplier agreement clause liability premium
itinerary departure connection layover reservation cancellation voucher passenger terminal boarding luggage
diagnosis appointment prescription laboratory specimen threshold anomaly calibration sensor throughput backlog
"""


def prose(size: int, seed: int | str) -> str:
    """`size` characters of sentences, always the same ones for a seed."""
    draw, common, rare = random.Random(seed), COMMON.split(), RARE.split()
    text = ""
    while len(text) < size:
        words = [draw.choice(rare if draw.random() < 0.3 else common) for _ in range(draw.randint(5, 14))]
        text += f"{' '.join(words).capitalize()} {draw.randint(1, 9999)}. "
    return text[:size]
