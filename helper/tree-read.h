/* read-tree: what lies at a path in the root, as a stream of records with the files' data. */
#ifndef PULLRUN_TREE_READ_H
#define PULLRUN_TREE_READ_H

#include "util.h"

int step_read_tree (struct context *context, const struct step *step);

#endif
