// The use-cases, written on ports.
export {};
