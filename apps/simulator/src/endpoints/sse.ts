/** One server-sent event with its name, as Responses and Messages stream them. */
export function renderEvent(type: string, data: Readonly<Record<string, unknown>>): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
