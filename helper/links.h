/* Files of several names: what the first one was. */
#ifndef PULLRUN_LINKS_H
#define PULLRUN_LINKS_H

#include <sys/stat.h>

#include "util.h"

struct hard_link {
  dev_t device;
  ino_t inode;
  char *path;
};

struct links {
  struct hard_link *known;
  size_t count;
};

/* 1 and the name noted earlier, 0 when `path` is the first and has been noted; -1 with errno. */
int first_name (struct links *links, const struct stat *st, const char *path, const char **first);
void free_links (struct links *links);
/* Makes `name` in `dir` a link to `first`, a path below `top` on which nothing is followed; -1 with errno. */
int link_to (int top, const char *first, int dir, const char *name);

#endif
