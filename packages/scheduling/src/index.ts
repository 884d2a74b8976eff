// Pure ordering: deadlines to priorities, windows.
export {};
