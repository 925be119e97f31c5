"""The measures of the program: ratios against a floor measured in the same run, in turns. None is a test."""
