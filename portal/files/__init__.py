"""Files that strangers send: judged by content, cleaned, scanned, and kept where no web server looks.

`kinds.accept` says what a file is and gives back what may be kept of it; `scanning` asks a virus scanner
when there is one; `store` keeps the bytes under random names; `uploads` reads them from a request.
"""
