/* Owner, mode, time and attributes that a record tells, given to what was made of it. */
#ifndef PULLRUN_META_H
#define PULLRUN_META_H

#include "records.h"

/* As uid and gid: that of the record. */
#define OF_RECORD UINT64_MAX

struct owner {
  uint64_t uid, gid;
  bool if_allowed; /* what an ordinary user's own files cannot have they go without */
};

/* Of `name` in `dir`, "" for `dir` itself; -1 with errno. */
int set_owner (struct owner owner, const struct record *record, int dir, const char *name);
/* Owner, attributes, mode and time of an open file or directory; -1 with errno. */
int set_meta (struct owner owner, const struct record *record, int fd);
/* The same for what cannot be opened and was just made as `record->name`, through a descriptor that only stands for it. */
int set_meta_at (struct owner owner, const struct record *record, int dir);

#endif
