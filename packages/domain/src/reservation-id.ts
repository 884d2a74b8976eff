/** The id of a reservation: its owner, and a UUID that is new for each. */
export function reservationId(owner: string, uuid: string): string {
  return `${owner}/${uuid}`;
}

/** The owner that a reservation's id carries before its last slash. */
export function ownerOfReservation(id: string): string {
  return id.slice(0, id.lastIndexOf("/"));
}

/** What a reservation's id carries after its owner. */
export function uuidOfReservation(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1);
}
