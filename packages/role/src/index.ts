export { enginesOf } from "./engines-of.ts";
export { type RoleEnvironment, readEnvironment } from "./read-environment.ts";
export { type RoleName, type Runtime, runRole, type StartedRole } from "./run-role.ts";
