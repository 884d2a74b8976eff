/** Words that are one o200k token each after a space; a test holds them to it. */
export const commonWords: readonly string[] = (
  "a about after again all also always an and answer any are around as ask at away back be because been before best " +
  "better between both bring build but by call can case change check choose clear close come common could count data " +
  "day deep different do does done down each early easy end enough even every example fact fast few file find first " +
  "fix follow for form found four from full general get give go good great group grow had half hand has have help " +
  "here high hold home how idea if important in into is issue it its job just keep kind know large last late later " +
  "learn least leave less let level light like line list little local long look lot low made main make many may mean " +
  "might model more most move much must name need never new next no not note now number of off often old on once one " +
  "only open or order other our out over own part path people place plan point possible problem put question quick " +
  "rate read ready real reason rest result right run safe same save say second see send set several short should show " +
  "side simple since size small so some sort start state step still stop such sure system table take team test than " +
  "that the their them then there these they thing think this those three time to together too top try turn two type " +
  "under until up use value very view wait want was watch water way we well were what when where which while who why " +
  "will with within word work world would write year yes you your"
).split(" ");

/** Words that begin a sentence: one token each with and without the space before them. */
export const openingWords: readonly string[] = (
  "The This That These When If In It We You They One Some Most Each For With After Before There And But So As To Then " +
  "Here First Next Now Many Every Such While Since"
).split(" ");

/** Words of three letters: with their space they are four bytes, one token for the `chars` tokenizer. */
export const threeLetterWords: readonly string[] = (
  "the and for are but not you all any can had her was one our out day get has him his how man new now old see two way " +
  "who boy did its let put say she too use"
).split(" ");
