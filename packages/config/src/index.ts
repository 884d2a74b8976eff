// sluice.yaml to a typed configuration with line-numbered errors.
export {};
