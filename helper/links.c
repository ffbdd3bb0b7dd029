#include "links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"

int
first_name (struct links *links, const struct stat *st, const char *path, const char **first)
{
  for (size_t i = 0; i < links->count; i++) {
    const struct hard_link *known = &links->known[i];
    *first = known->path;
    if (known->device == st->st_dev && known->inode == st->st_ino)
      return 1;
  }
  struct hard_link *grown = realloc (links->known, (links->count + 1) * sizeof *grown);
  if (!grown)
    return -1;
  links->known = grown;
  grown[links->count] = (struct hard_link){ st->st_dev, st->st_ino, strdup (path) };
  return grown[links->count++].path ? 0 : -1;
}

void
free_links (struct links *links)
{
  for (size_t i = 0; i < links->count; i++)
    free (links->known[i].path);
  free (links->known);
}

int
link_to (int top, const char *first, int dir, const char *name)
{
  struct k_open_how how = { O_PATH | O_DIRECTORY | O_CLOEXEC, 0, K_BENEATH | K_NO_SYMLINKS | K_NO_MAGICLINKS };
  const char *slash = strrchr (first, '/');
  autofree char *parent = slash ? strndup (first, (size_t) (slash - first)) : strdup (".");
  autoclose int from = parent ? k_openat2 (top, *parent ? parent : ".", how) : -1;
  return from < 0 ? -1 : linkat (from, slash ? slash + 1 : first, dir, name, 0);
}
