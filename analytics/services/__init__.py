"""The only writers of classifier versions, suggestions, summaries and improvements.

`suggestions` and `summaries` load the text libraries; only the job process and the command line
import them.
"""
