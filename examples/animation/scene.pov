// Seven balls on a ring, and a camera that goes round them once while `clock` goes from 0 to 1.
#version 3.7;
global_settings { assumed_gamma 1.0 }

camera {
  location <6 * cos(2 * pi * clock), 3, 6 * sin(2 * pi * clock)>
  look_at <0, 0.6, 0>
}
light_source { <10, 14, -8>, rgb 1.2 }
background { rgb <0.55, 0.7, 0.9> }

plane {
  y, 0
  pigment { checker rgb 0.95, rgb <0.35, 0.4, 0.45> }
  finish { reflection 0.12 }
}

#for (Ball, 0, 6)
  #local Turn = 2 * pi * Ball / 7;
  #local Height = 0.6 + abs(sin(2 * pi * clock * 2 + Turn));
  sphere {
    <2.2 * cos(Turn), Height, 2.2 * sin(Turn)>, 0.6
    pigment { rgb <0.5 + 0.5 * cos(Turn), 0.5 + 0.5 * cos(Turn + 2.1), 0.5 + 0.5 * cos(Turn + 4.2)> }
    finish { phong 0.8 reflection 0.15 }
  }
#end
