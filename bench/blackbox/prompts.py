#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints questions, one a line: every form with every topic, in a fixed order."""
FORMS = [
    "What is {}?", "Tell me about {}.", "Why is {} useful?", "How does {} work?", "What do you know of {}?",
    "Explain {} in one sentence.", "Who uses {}?", "Give me an example of {}.", "Describe {} to a child.",
    "Is {} hard to learn?",
]
TOPICS = [
    "free software", "Debian", "a computer", "the internet", "a compiler", "a package", "a library", "a kernel",
    "a file system", "a web page", "email", "a printer", "a keyboard", "a license", "a programming language", "Python",
    "a database", "a network", "a shell", "a text editor", "music", "a dictionary", "a book", "a poem", "the sun",
    "water", "a tree", "a house", "a city", "a river", "a horse", "time", "money", "work", "a game", "a clock",
    "a picture", "a letter", "a word", "a number", "history", "science", "a question", "an answer", "a friend",
    "a school", "a road", "a ship",
]
for form in FORMS:
    for topic in TOPICS:
        print(form.format(topic))
