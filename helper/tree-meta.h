/* What write-tree sets on what it has made. */
#ifndef PULLRUN_TREE_META_H
#define PULLRUN_TREE_META_H

#include "records.h"

/* As uid and gid: that of the record. */
#define OF_RECORD UINT64_MAX

struct owner {
  uint64_t uid, gid;
};

/* Of `name` in `dir`, "" for `dir` itself; -1 with errno. */
int set_owner (struct owner owner, const struct record *record, int dir, const char *name);
/* Owner, attributes, mode and time of an open file or directory; -1 with errno. */
int set_meta (struct owner owner, const struct record *record, int fd);

#endif
