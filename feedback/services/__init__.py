"""The only writers of letters: `intake` takes them in, `casework` handles them, `ratings` keeps what citizens say of the answers."""
