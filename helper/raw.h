/* Our own terminal as the container's: every key goes through, but for those that detach. */
#ifndef PULLRUN_RAW_H
#define PULLRUN_RAW_H

#include <stdbool.h>
#include <stddef.h>

/* Standard input in raw mode; called again after a stop, it is so once more. */
void raw_enter (void);
/* As it was before the first `raw_enter`, if there was any. */
void raw_leave (void);

#define MAX_KEYS 16

struct keys {
  unsigned char bytes[MAX_KEYS];
  size_t length; /* 0: nothing detaches */
  size_t typed;  /* how many of them are held back, not knowing what follows */
};

/* `text` in hexadecimal; false for anything else, and for too many. */
bool keys_parse (struct keys *keys, const char *text);
/* What of `in` (and before it) goes on to the container: at most MAX_KEYS more bytes. True once all were typed. */
bool keys_filter (struct keys *keys, const char *in, size_t size, char *out, size_t *out_size);
/* What was held back, since nothing has followed. */
void keys_release (struct keys *keys, char *out, size_t *out_size);

#endif
