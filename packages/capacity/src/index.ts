// Atomic reservations across the limits of a target and of a tenant.
export {};
