"""Files of letters: what citizens, clerks and mails add, and who may download it."""
