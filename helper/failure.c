#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

static struct {
  int error;
  char what[256];
  char object[4096];
} failure;

static int __attribute__ ((format (printf, 3, 0)))
note_failure (int error, const char *object, const char *what, va_list arguments)
{
  failure.error = error;
  vsnprintf (failure.what, sizeof failure.what, what, arguments);
  snprintf (failure.object, sizeof failure.object, "%s", object);
  return -1;
}

int
fail (const char *object, const char *what, ...)
{
  int error = errno;
  va_list arguments;
  va_start (arguments, what);
  note_failure (error, object, what, arguments);
  va_end (arguments);
  return -1;
}

int
fail_with (int error, const char *object, const char *what, ...)
{
  va_list arguments;
  va_start (arguments, what);
  note_failure (error, object, what, arguments);
  va_end (arguments);
  return -1;
}

int
failure_error (void)
{
  return failure.error;
}

/* The bytes of the character at `at`, which is put into `*code`; 0 where there is none in UTF-8. */
static size_t
read_character (const unsigned char *at, uint32_t *code)
{
  size_t size = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf5 ? 4 : 0;
  *code = size > 1 ? *at & (0x7fU >> size) : *at;
  for (size_t i = 1; i < size; i++) {
    if ((at[i] & 0xc0) != 0x80)
      return 0;
    *code = *code << 6 | (at[i] & 0x3f);
  }
  return size;
}

/* As src/core/text.ts has them: what a terminal acts upon, and what turns the order of what stands beside it. */
static bool
is_control (uint32_t code)
{
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0x200e || code == 0x200f
         || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* One line for a terminal: names come from images. */
static void
write_printable (FILE *to, const char *text)
{
  uint32_t code;
  for (const unsigned char *at = (const unsigned char *) text; *at;) {
    size_t size = read_character (at, &code);
    if (size == 0 || is_control (code))
      putc ('?', to);
    else
      fwrite (at, 1, size, to);
    at += size > 0 ? size : 1;
  }
}

/* A JSON string; bytes from 0x80 up go out as Latin-1 code points, so the line is valid whatever the name was. */
static void
write_json_string (FILE *to, const char *text)
{
  putc ('"', to);
  for (const unsigned char *at = (const unsigned char *) text; *at; at++) {
    if (*at == '"' || *at == '\\')
      fprintf (to, "\\%c", *at);
    else if (*at < 0x20 || *at >= 0x7f)
      fprintf (to, "\\u%04x", *at);
    else
      putc (*at, to);
  }
  putc ('"', to);
}

static void
write_line (FILE *to)
{
  write_printable (to, failure.what);
  if (failure.object[0]) {
    fputs (": ", to);
    write_printable (to, failure.object);
  }
  const char *description = failure.error ? strerrordesc_np (failure.error) : NULL;
  if (description)
    fprintf (to, ": %s", description);
}

void
failure_line (char *text, size_t size)
{
  FILE *to = fmemopen (text, size, "w");
  text[0] = 0;
  if (!to)
    return;
  write_line (to);
  fclose (to);
  text[size - 1] = 0;
}

static void
write_human (const struct context *context, FILE *to)
{
  fputs ("pullrun: ", to);
  write_line (to);
  putc ('\n', to);
  if (context->hint[0]) {
    fputs ("hint: ", to);
    write_printable (to, context->hint);
    putc ('\n', to);
  }
}

static void
write_json (const struct context *context, FILE *to, size_t step, const char *kind)
{
  const char *description = failure.error ? strerrordesc_np (failure.error) : NULL;
  const char *name = failure.error ? strerrorname_np (failure.error) : NULL;
  fprintf (to, "{\"step\":%zu,\"kind\":", step);
  write_json_string (to, kind);
  fputs (",\"errno\":", to);
  write_json_string (to, name ? name : "");
  fputs (",\"object\":", to);
  write_json_string (to, failure.object);
  fputs (",\"what\":", to);
  write_json_string (to, failure.what);
  fputs (",\"error\":", to);
  write_json_string (to, description ? description : "");
  fputs (",\"hint\":", to);
  write_json_string (to, context->hint);
  fputs ("}\n", to);
}

void
report_failure (const struct context *context, size_t step, const char *kind)
{
  autofree char *text = NULL;
  size_t size = 0;
  FILE *to = open_memstream (&text, &size);
  if (!to)
    return;
  write_human (context, to);
  fflush (to);
  size_t human = size;
  write_json (context, to, step, kind);
  fclose (to);
  /* One write each, so that lines of several processes do not mix. Nobody is left to tell if this fails. */
  bool piped = context->service && context->started >= 0;
  (void) !write (piped ? context->started : STDERR_FILENO, text, human);
  /* In the foreground the text goes past the supervisor: it sees a byte, and knows that nothing was started. */
  if (!piped && context->started >= 0)
    (void) !write (context->started, "", 1);
  if (context->status_fd >= 0)
    (void) !write (context->status_fd, text + human, size - human);
}

void
report_time (const struct context *context, size_t step, long long began)
{
  char line[96];
  if (!context->timed || context->status_fd < 0)
    return;
  int length = snprintf (line, sizeof line, "{\"step\":%zu,\"began\":%lld,\"ns\":%lld}\n", step, began,
                         monotonic_time () - began);
  (void) !write (context->status_fd, line, (size_t) length);
}
