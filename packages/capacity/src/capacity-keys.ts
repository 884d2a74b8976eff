import { capacityKey } from "@sluice/redis";

export const targetUse = (id: string): string => capacityKey("target-use", id);
export const targetLog = (id: string): string => capacityKey("target-log", id);
export const targetDay = (id: string): string => capacityKey("target-day", id);
export const targetHealth = (id: string): string => capacityKey("target-health", id);
export const tenantUse = (id: string): string => capacityKey("tenant-use", id);
export const tenantLog = (id: string): string => capacityKey("tenant-log", id);
export const tenantDay = (id: string): string => capacityKey("tenant-day", id);
export const heldKey = (owner: string): string => capacityKey("held", owner);
export const budgetKey = (key: string): string => capacityKey("budget", key);
export const owners = capacityKey("owners");
export const parked = capacityKey("parked");
export const warm = capacityKey("warm");
export const cold = capacityKey("cold");
