[
  inputs: ["{mix,.formatter}.exs", "{build,lib,test}/**/*.{ex,exs}"]
]
