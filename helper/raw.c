#include "raw.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static bool saved;

void
raw_enter (void)
{
  struct termios raw;
  if (!saved && tcgetattr (STDIN_FILENO, &before) < 0)
    return;
  saved = true;
  raw = before;
  cfmakeraw (&raw);
  tcsetattr (STDIN_FILENO, TCSADRAIN, &raw);
}

void
raw_leave (void)
{
  if (saved)
    tcsetattr (STDIN_FILENO, TCSADRAIN, &before);
}

static int
hex_digit (char digit)
{
  const char *digits = "0123456789abcdef", *at = digit ? strchr (digits, digit) : NULL;
  return at ? (int) (at - digits) : -1;
}

bool
keys_parse (struct keys *keys, const char *text)
{
  size_t size = strlen (text);
  *keys = (struct keys){ .length = size / 2 };
  for (size_t i = 0; i < size && size / 2 <= MAX_KEYS; i++) {
    int value = hex_digit (text[i]);
    if (value < 0)
      return false;
    keys->bytes[i / 2] = (unsigned char) (keys->bytes[i / 2] << 4 | value);
  }
  return size % 2 == 0 && size / 2 <= MAX_KEYS;
}

void
keys_release (struct keys *keys, char *out, size_t *out_size)
{
  memcpy (out + *out_size, keys->bytes, keys->typed);
  *out_size += keys->typed;
  keys->typed = 0;
}

bool
keys_filter (struct keys *keys, const char *in, size_t size, char *out, size_t *out_size)
{
  for (size_t i = 0; i < size; i++) {
    unsigned char key = (unsigned char) in[i];
    if (keys->typed > 0 && key != keys->bytes[keys->typed])
      keys_release (keys, out, out_size);
    if (keys->length == 0 || key != keys->bytes[keys->typed])
      out[(*out_size)++] = (char) key;
    else if (++keys->typed == keys->length)
      return true;
  }
  return false;
}
