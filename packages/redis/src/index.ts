// Redis connections, the key names, Lua loading.
export {};
