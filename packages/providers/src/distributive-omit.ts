/** `Omit` for each member of a union on its own, so that the members keep their own fields. */
export type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown
  ? Omit<Union, Key>
  : never;
