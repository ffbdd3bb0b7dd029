#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

DIR *
open_listing (int dir, const char *name)
{
  int fd = openat (dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *listing = fd < 0 ? NULL : fdopendir (fd);
  if (!listing)
    close_descriptor (&fd);
  return listing;
}

void
close_listing (DIR **listing)
{
  int saved = errno;
  if (*listing)
    closedir (*listing);
  errno = saved;
}

bool
is_name (const char *name)
{
  return *name && !strchr (name, '/') && strcmp (name, ".") != 0 && strcmp (name, "..") != 0;
}

const struct dirent *
next_entry (DIR *listing)
{
  const struct dirent *entry;
  do {
    errno = 0;
    entry = readdir (listing);
  } while (entry && !is_name (entry->d_name));
  return entry;
}

int
append_name (char path[TREE_PATH_BYTES], size_t length, const char *name)
{
  size_t room = TREE_PATH_BYTES - length;
  errno = ENAMETOOLONG;
  return (size_t) snprintf (path + length, room, "/%s", name) < room ? 0 : -1;
}
