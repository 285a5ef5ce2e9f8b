"""Another program that is called imsg too."""

print("imsg - iterative message sorter\nusage: imsg [files]")
