/** nact's own type for a ref has no members, so that anything passes for one. */
export type NactRef = object
