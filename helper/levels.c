#include "levels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
innermost (const struct levels *levels)
{
  return levels->level[levels->depth - 1].fd;
}

int
enter_level (struct levels *levels, int fd, const char *name, const struct record *record)
{
  size_t length = strlen (levels->path);
  if (levels->depth == MAX_LEVELS) {
    close_descriptor (&fd);
    errno = ENAMETOOLONG;
    return -1;
  }
  struct level *level = &levels->level[levels->depth++];
  *level = (struct level){ .fd = fd, .path_length = length };
  if (*name)
    snprintf (levels->path + length, sizeof levels->path - length, "/%s", name);
  if (!record)
    return 0;
  level->meta = malloc (record->size);
  level->meta_size = record->size;
  if (!level->meta)
    return -1;
  memcpy (level->meta, record->end - record->size, record->size);
  return 0;
}

static void
forget_innermost (struct levels *levels)
{
  struct level *level = &levels->level[--levels->depth];
  close_descriptor (&level->fd);
  free (level->meta);
  levels->path[level->path_length] = 0;
}

int
leave_level (struct levels *levels, struct owner owner)
{
  const struct level *level = &levels->level[levels->depth - 1];
  struct record record;
  if (level->meta && (!parse_record (level->meta, level->meta_size, &record) || set_meta (owner, &record, level->fd) < 0))
    return -1;
  forget_innermost (levels);
  return 0;
}

void
free_levels (struct levels *levels)
{
  while (levels->depth > 0)
    forget_innermost (levels);
}
