/* write-tree: makes what a stream of read-tree's, or one of a tar's entries, describes. */
#ifndef PULLRUN_TREE_WRITE_H
#define PULLRUN_TREE_WRITE_H

#include "util.h"

int step_write_tree (struct context *context, const struct step *step);

#endif
